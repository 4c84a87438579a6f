#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/loop/ready_set.h"
#include "base/loop/timer.h"
#include "health/probe.h"
#include "health/resolver.h"
#include "health/stream_world.h"
#include "health/tls_client.h"

namespace swingover::health {

/// One TCP connection of a probe: its name looked up, connected, sealed by TLS where that is wanted.
///
/// Events    To `user`, on later turns of the loop than the constructor. on_end() is the last. Any of them may
///           destroy the stream, which is then silent.
/// Names     Each address is tried in the resolver's order; one that stays silent has its share of the time.
/// Time      All must be over within the timeout, or on_end() says how far it came.
/// Bound     It is over when more than `octets_max` come, or wait here to be sent, for one user: an answer takes less, and
///           a flood would have it all.
/// Cost      One descriptor, one timer. Sending never blocks: what the kernel does not take waits here.
class Stream final : private loop::ReadySet::User {
 public:
  struct To {
    std::string address;  // or a name
    uint16_t port = 0;
    Milliseconds timeout{1000};
    bool is_outside = false;  // a stranger named it: not on loopback or this host's link
    size_t octets_max = size_t{1} << 20;  // far more than any probe reads
  };

  struct End {
    enum class How : uint8_t { closed, failed, timed_out };
    How how = How::failed;
    /// What it was doing, while it was not open: "connecting". Empty: the user knows.
    std::string_view doing;
    std::string reason;  // of a failure: "connect: connection refused", "connection reset by peer"
    Failure failure = Failure::soft;
    bool looked = true;
  };

  class User {
   public:
    virtual void on_open() = 0;
    virtual void on_data(std::string_view octets) = 0;
    virtual void on_end(const End& end) = 0;

   protected:
    ~User() = default;
  };

  /// `tls`: null for a plain connection.
  Stream(StreamWorld& world, const To& to, std::unique_ptr<TlsClient> tls, User& user);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Only while it is open.
  void send(std::string_view octets);

  /// For connections that outlive one probe: whose it is now, and how long that one has; null: nobody waits.
  void lend(User& user, std::optional<Milliseconds> timeout);

  const TlsClient* tls() const { return tls_.get(); }

 private:
  enum class State : uint8_t { resolving, connecting, shaking_hands, open };
  enum class Read : uint8_t { gone, empty, part, full };

  void on_found(Resolver::Found found);
  void connect_next();
  void address_failed(const char* doing, int error, bool answered);
  void end_soon(const char* doing, int error);
  void on_time();
  void on_ready(loop::ReadySet::Ready ready) override;
  bool on_connected();
  Read receive();
  bool receive_sealed(std::string_view sealed);
  bool open();
  void flush();
  void end(const End& how);
  std::string_view doing() const;
  Milliseconds left() const;
  void close_socket();
  template <class Event>
  bool tell(Event event);  // whether this is still there

  struct Soon {
    const char* doing;
    int error;
  };

  StreamWorld& world_;
  User* user_;
  uint16_t port_;
  bool is_outside_;
  size_t octets_max_;
  State state_ = State::resolving;
  MonotonicTime deadline_;
  loop::Timer timer_;
  int socket_ = -1;
  loop::ReadySet::Ticket ticket_ = 0;
  std::unique_ptr<TlsClient> tls_;
  std::string unsent_;
  size_t received_ = 0;  // octets, for this user
  std::optional<Resolver::Lookup> lookup_;
  std::vector<IpAddress> addresses_;
  size_t next_ = 0;
  bool all_refused_ = true;  // each address so far gave a hard failure
  std::optional<Soon> soon_;
  bool* destroyed_ = nullptr;  // set while a user is told
};

/// The finding of a probe whose stream ended so; `doing` is what the user was waiting for.
Finding finding_of(const Stream::End& end, Milliseconds timeout, std::string_view doing);

}  // namespace swingover::health
