#include "health/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "health/probe_words.h"

namespace swingover::health {

namespace {

constexpr size_t read_max = size_t{64} * 1024;
constexpr int reads_max = 16;  // a turn

/// This host by one of its own addresses, or what only its link has: 169.254.0.0/16 (clouds answer there with their
/// secrets) and fe80::/10.
bool is_near(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  const Bytes bytes = plain.bytes();
  const bool is_link_local = plain.is_v4() ? bytes[0] == 169 && bytes[1] == 254
                                           : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  return is_link_local || plain.is_loopback() || plain.is_any();
}

}  // namespace

Stream::Stream(StreamWorld& world, const To& to, std::unique_ptr<TlsClient> tls, User& user)
    : world_(world),
      user_(&user),
      port_(to.port),
      is_outside_(to.is_outside),
      octets_max_(to.octets_max),
      deadline_(system_clock().now() + to.timeout),
      timer_(world.loop, [this] { on_time(); }),
      tls_(std::move(tls)) {
  timer_.start_once(to.timeout);
  if (const auto address = parse_ip_address(to.address)) {
    addresses_ = {*address};
    connect_next();
    return;
  }
  lookup_ = world_.resolver.resolve(to.address,
                                    [this](Resolver::Found found) { on_found(std::move(found)); });
}

Stream::~Stream() {
  if (destroyed_) *destroyed_ = true;
  if (lookup_) world_.resolver.cancel(*lookup_);
  if (tls_ && state_ == State::open && socket_ >= 0) {
    tls_->close();
    const std::string goodbye = tls_->take_output();
    (void)!::send(socket_, goodbye.data(), goodbye.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  close_socket();
}

/// Whether this object is still there after the user has heard.
template <class Event>
bool Stream::tell(Event event) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  event(*user_);
  if (destroyed) return false;
  destroyed_ = nullptr;
  return true;
}

void Stream::on_found(Resolver::Found found) {
  lookup_.reset();
  if (found.addresses.empty()) {
    return end({.how = End::How::failed, .doing = {}, .reason = "resolve: " + found.problem});
  }
  addresses_ = std::move(found.addresses);
  connect_next();
}

void Stream::connect_next() {
  state_ = State::connecting;
  sockaddr_storage to{};
  const IpAddress& address = addresses_[next_];
  const unsigned size = to_sockaddr(address, port_, to);
  ++next_;
  if (const auto others = static_cast<int64_t>(addresses_.size() - next_); others > 0) {
    timer_.start_once(Milliseconds(left().value / (others + 1)));
  }
  if (is_outside_ && is_near(address)) {
    return end_soon("redirect to this host or its link: ", EACCES);
  }
  socket_ = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return end_soon("socket: ", errno);
  // Over loopback connect() itself may say yes; a socket that is connected is writable a turn later.
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), size) != 0 &&
      errno != EINPROGRESS) {
    return end_soon("connect: ", errno);
  }
  ticket_ = world_.ready.add(socket_, *this);
  if (ticket_ == 0) end_soon("epoll: ", ENOMEM);
}

/// `answered`: by the network, and not by this host's own socket() or connect().
void Stream::address_failed(const char* doing, int error, bool answered) {
  const bool refused = failure_of(error) == Failure::hard && (answered || error == ECONNREFUSED);
  all_refused_ = all_refused_ && refused;
  close_socket();
  if (next_ < addresses_.size()) {
    // The next address has what is left of the time.
    timer_.start_once(left());
    return connect_next();
  }
  end({.how = End::How::failed,
       .doing = {},
       .reason = doing + errno_words(error),
       .failure = all_refused_ ? Failure::hard : Failure::soft,
       .looked = !is_own_trouble(error)});
}

void Stream::end_soon(const char* doing, int error) {
  close_socket();
  soon_ = {doing, error};
  timer_.start_once(Milliseconds(0));
}

void Stream::on_time() {
  if (soon_) {
    const auto [doing, error] = *std::exchange(soon_, std::nullopt);
    return address_failed(doing, error, false);
  }
  if (state_ == State::connecting && next_ < addresses_.size()) {
    return address_failed("connect: ", ETIMEDOUT, false);
  }
  end({.how = End::How::timed_out, .doing = doing(), .reason = {}});
}

void Stream::on_ready(loop::ReadySet::Ready ready) {
  if (state_ == State::connecting && !on_connected()) return;
  if (ready.writable) flush();
  if (!ready.readable && !ready.ended) return;
  // Readiness is told once, so all that is there is read now.
  for (int i = 0; i < reads_max; ++i) {
    const Read read = receive();
    if (read == Read::gone || read == Read::empty) return;
    if (read == Read::part && !ready.ended) return;
  }
}

/// False: this is gone, or tries another address.
bool Stream::on_connected() {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    address_failed("connect: ", error, true);
    return false;
  }
  if (addresses_.size() > 1) timer_.start_once(left());
  if (!tls_) return open();
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  state_ = State::shaking_hands;
  unsent_ = tls_->take_output();
  flush();
  return true;
}

bool Stream::open() {
  state_ = State::open;
  return tell([](User& user) { user.on_open(); });
}

Stream::Read Stream::receive() {
  static thread_local std::array<char, read_max> buffer;
  const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) return Read::empty;
  if (got <= 0) {
    const int error = got < 0 ? errno : 0;
    end({.how = error != 0 ? End::How::failed : End::How::closed,
         .doing = doing(),
         .reason = error != 0 ? errno_words(error) : std::string(),
         .failure = failure_of(error)});
    return Read::gone;
  }
  const std::string_view octets(buffer.data(), static_cast<size_t>(got));
  received_ += octets.size();
  if (received_ >= octets_max_ || unsent_.size() >= octets_max_) {
    end({.how = End::How::failed,
         .doing = doing(),
         .reason =
             "flood: the other end sends more than " + std::to_string(octets_max_ >> 20) + " MiB"});
    return Read::gone;
  }
  const bool is_there =
      tls_ ? receive_sealed(octets) : tell([octets](User& user) { user.on_data(octets); });
  if (!is_there) return Read::gone;
  return octets.size() == buffer.size() ? Read::full : Read::part;
}

/// False: this is gone.
bool Stream::receive_sealed(std::string_view sealed) {
  std::string plain;
  tls_->receive(sealed, plain);
  unsent_ += tls_->take_output();
  flush();
  if (state_ == State::shaking_hands && tls_->is_open() && !open()) return false;
  if (!plain.empty() && !tell([&plain](User& user) { user.on_data(plain); })) return false;
  if (!tls_->problem().empty()) {
    end({.how = End::How::failed, .doing = {}, .reason = tls_->problem()});
    return false;
  }
  if (tls_->is_closed()) {
    end({.how = End::How::closed, .doing = doing(), .reason = {}});
    return false;
  }
  return true;
}

void Stream::send(std::string_view octets) {
  if (tls_) {
    tls_->send(octets);
    unsent_ += tls_->take_output();
  } else if (unsent_.empty()) {
    const ssize_t sent = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
    // An error is told by the next recv(), behind what the other end said before it.
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
    unsent_ = octets.substr(sent > 0 ? static_cast<size_t>(sent) : 0);
  } else {
    unsent_ += octets;
  }
  flush();
}

void Stream::flush() {
  if (unsent_.empty()) return;
  const ssize_t sent = ::send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (sent > 0) {
    unsent_.erase(0, static_cast<size_t>(sent));
  } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    unsent_.clear();
  }
}

void Stream::lend(User& user, std::optional<Milliseconds> timeout) {
  user_ = &user;
  received_ = 0;
  if (!timeout) return timer_.stop();
  deadline_ = system_clock().now() + *timeout;
  timer_.start_once(*timeout);
}

void Stream::end(const End& how) {
  timer_.stop();
  close_socket();
  user_->on_end(how);  // may destroy this
}

std::string_view Stream::doing() const {
  switch (state_) {
    case State::resolving:
      return "resolving";
    case State::connecting:
      return "connecting";
    case State::shaking_hands:
      return "shaking hands over TLS";
    case State::open:
      return {};
  }
  return {};
}

Milliseconds Stream::left() const {
  return std::max(deadline_ - system_clock().now(), Milliseconds(0));
}

void Stream::close_socket() {
  if (ticket_ != 0) world_.ready.remove(std::exchange(ticket_, 0));
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

Finding finding_of(const Stream::End& end, Milliseconds timeout, std::string_view doing) {
  if (!end.doing.empty()) doing = end.doing;
  Finding finding{
      .verdict = Verdict::fail, .reason = {}, .failure = end.failure, .looked = end.looked};
  switch (end.how) {
    case Stream::End::How::timed_out:
      return timed_out(timeout, doing);
    case Stream::End::How::closed:
      finding.reason = "closed by the other end while " + std::string(doing);
      break;
    case Stream::End::How::failed:
      finding.reason = end.reason;
      // What failed in a phase of its own says so itself: "connect: …", "tls: …".
      if (end.reason.find(": ") == std::string::npos) {
        finding.reason += " while " + std::string(doing);
      }
      break;
  }
  return finding;
}

}  // namespace swingover::health
