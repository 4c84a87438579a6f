#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/loop/poll.h"

namespace swingover::health {

/// The socket through which all echo requests of one family go.
///
/// Threads  The loop's.
class EchoSocket {
 public:
  /// errno of an ICMP error about the request; 0: the reply came.
  using OnAnswer = std::function<void(int error)>;
  using Request = uint16_t;

  EchoSocket(loop::Loop& loop, bool v4) : loop_(loop), v4_(v4) {}
  ~EchoSocket();
  EchoSocket(const EchoSocket&) = delete;
  EchoSocket& operator=(const EchoSocket&) = delete;

  /// errno, or 0; opens it if it is not open. EACCES or EPERM: neither kind of socket is allowed.
  int open();
  /// The request's number, or an errno. `on_answer` is called at most once, on a later turn, and not after forget().
  struct Sent {
    Request request = 0;
    int error = 0;
  };
  Sent send(const IpAddress& to, OnAnswer on_answer);
  void forget(Request request) { waiting_.erase(request); }

 private:
  struct Waiting {
    IpAddress to;
    uint64_t token;
    OnAnswer on_answer;
  };

  int open_as(int type);
  void on_ready();
  bool read_reply();
  bool read_error();
  void answer(std::span<const uint8_t> echo, const IpAddress& peer, bool is_reply, int error);
  int put(std::span<const uint8_t> message, const IpAddress& to);

  loop::Loop& loop_;
  bool v4_;
  bool is_raw_ = false;
  int socket_ = -1;
  uint16_t id_ = 0;  // of raw requests; the kernel writes that of a ping socket
  Request last_ = 0;
  std::unordered_map<Request, Waiting> waiting_;
  std::optional<loop::Poll> poll_;
};

}  // namespace swingover::health
