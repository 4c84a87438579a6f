#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace swingover::query {

/// Cuts a stream into DNS messages, each behind its length in two octets (RFC 1035 section 4.2.2), however the
/// network cut it before.
///
/// Memory  Mostly whole messages come, and are taken where they were read; only what is left over is kept, as it
///         grows: never more than one message and what was fed behind it.
/// Pause   Who takes messages can have enough for now; the rest is kept until resume().
class TcpFraming {
 public:
  enum class Outcome : uint8_t {
    wants_more,  // every whole message was taken
    paused,      // `take` said so: what is left may hold whole messages
    not_dns,  // a length below a header's: nothing that follows can be trusted, and nothing is kept
  };

  static constexpr size_t length_size = 2;
  static constexpr size_t message_size_min = 12;  // a header

  /// Calls `bool take(Bytes message)` with each whole message in turn; false from it: enough for now.
  template <class Take>
  Outcome feed(Bytes fresh, Take take);
  /// The same for what was kept.
  template <class Take>
  Outcome resume(Take take);

  /// A message has begun and is not whole, or whole ones wait.
  bool has_kept() const { return !kept_.empty(); }
  size_t kept_size() const { return kept_.size(); }

 private:
  template <class Take>
  static Outcome cut(Bytes input, Take& take, size_t& done);

  std::vector<uint8_t> kept_;
};

template <class Take>
TcpFraming::Outcome TcpFraming::feed(Bytes fresh, Take take) {
  if (!kept_.empty()) {
    kept_.insert(kept_.end(), fresh.begin(), fresh.end());
    return resume(std::move(take));
  }
  size_t done = 0;
  const Outcome outcome = cut(fresh, take, done);
  if (outcome != Outcome::not_dns)
    kept_.assign(fresh.begin() + static_cast<std::ptrdiff_t>(done), fresh.end());
  return outcome;
}

template <class Take>
TcpFraming::Outcome TcpFraming::resume(Take take) {
  size_t done = 0;
  const Outcome outcome = cut(kept_, take, done);
  if (outcome == Outcome::not_dns || done == kept_.size()) {
    kept_ = {};  // an idle connection keeps no memory
  } else if (done > 0) {
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(done));
  }
  return outcome;
}

template <class Take>
TcpFraming::Outcome TcpFraming::cut(Bytes input, Take& take, size_t& done) {
  while (input.size() - done >= length_size) {
    const size_t size = size_t{input[done]} << 8 | input[done + 1];
    if (size < message_size_min) return Outcome::not_dns;
    if (input.size() - done - length_size < size) break;
    const Bytes message = input.subspan(done + length_size, size);
    done += length_size + size;
    if (!take(message)) return Outcome::paused;
  }
  return Outcome::wants_more;
}

}  // namespace swingover::query
