#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace swingover {

/// What kind of failure this is, for code that must choose; people read the message.
enum class ErrorCode {
  invalid,      // what a person or a peer gave makes no sense; the message says what to do
  not_found,    // the named thing does not exist
  conflict,     // it contradicts something that exists
  unavailable,  // not now: a full disk, a dead peer, a locked directory
  corrupt,      // stored bytes are not what was stored
  system,       // the kernel or a library refused; the message has its words
};

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;

  /// The same error as seen one level up: "opening the store: No space left on device".
  Error within(std::string_view context) const {
    return {code, std::string(context) + ": " + message};
  }
};

/// A T, or why there is none. Control path only; the hot path has enums.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit
  Result(Error problem) : content_(std::in_place_index<1>, std::move(problem)) {}  // NOLINT

  explicit operator bool() const { return content_.index() == 0; }
  T& operator*() & { return std::get<0>(content_); }
  const T& operator*() const& { return std::get<0>(content_); }
  T&& operator*() && { return std::get<0>(std::move(content_)); }
  T* operator->() { return &std::get<0>(content_); }
  const T* operator->() const { return &std::get<0>(content_); }

  const Error& error() const { return std::get<1>(content_); }
  Error error(std::string_view context) const { return error().within(context); }

 private:
  std::variant<T, Error> content_;
};

struct Done {};

/// Success, or why not: `return Done{};` or `return Error{...};`.
using Status = Result<Done>;

}  // namespace swingover
