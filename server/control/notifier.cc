#include "server/control/notifier.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "zones/protocol.h"
#include "zones/query.h"
#include "zones/record_text.h"

namespace swingover::control {

namespace {

constexpr Milliseconds tick_every{50};
constexpr unsigned sends_a_tick = 64;
constexpr uint16_t notify_flags = 4U << 11 | 0x0400;  // opcode 4, AA (RFC 1996 section 3.6)
constexpr size_t request_size_max = 1024;             // two names of 255 octets and a MAC fit

Error system_error(const char* what) {
  return {ErrorCode::unavailable, std::string(what) + ": " + std::strerror(errno)};
}

}  // namespace

struct Notifier::Outlet {
  Outlet() = default;
  ~Outlet() {
    poll.reset();
    if (descriptor >= 0) close(descriptor);
  }
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  /// Without `source`: the kernel chooses one for each datagram.
  Status open(bool is_v4, const std::optional<IpAddress>& source) {
    descriptor = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return system_error("a socket for NOTIFY");
    if (!source) return Done{};
    sockaddr_storage address{};
    const socklen_t size = to_sockaddr(*source, 0, address);
    if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0)
      return system_error("binding the socket for NOTIFY");
    return Done{};
  }

  int descriptor = -1;
  std::optional<loop::Poll> poll;
};

Notifier::Notifier(loop::Loop& loop, const Clock& clock, std::vector<SocketAddress> listen,
                   uint64_t seed)
    : Notifier(loop, clock, std::move(listen), seed, Options{}) {}

Notifier::Notifier(loop::Loop& loop, const Clock& clock, std::vector<SocketAddress> listen,
                   uint64_t seed, Options options)
    : loop_(loop),
      clock_(clock),
      listen_(std::move(listen)),
      options_(options),
      random_(seed),
      tick_(loop, [this] { on_tick(); }) {}

Notifier::~Notifier() = default;

void Notifier::announce(const zones::Snapshot& snapshot) {
  std::map<Key, uint32_t> told;
  for (const zones::ZoneTree::Entry& entry : snapshot.zones.entries()) {
    if (!entry.transfer) continue;
    const uint32_t serial = entry.transfer->state().serial;
    for (const zones::Secondary& secondary : entry.transfer->options().secondaries) {
      if (!secondary.notify) continue;
      const Key key{entry.apex.text(), secondary.address};
      told.emplace(key, serial);
      const auto before = told_.find(key);
      if (before != told_.end() && before->second == serial) continue;
      Job job{.zone = entry.apex, .key = {}, .serial = serial, .tsig = {}};
      const auto& keys = snapshot.model->tsig_keys;
      const auto found = std::ranges::find_if(
          keys, [&](const zones::TsigKey& each) { return each.name() == secondary.key; });
      if (found != keys.end()) job.key = *found;
      job.id = static_cast<uint16_t>(random_.next());
      job.due = clock_.now() + options_.first_delay;
      jobs_.insert_or_assign(key, std::move(job));
    }
  }
  told_ = std::move(told);
  std::erase_if(jobs_, [this](const auto& job) { return !told_.contains(job.first); });
  if (!jobs_.empty() && !tick_.is_active()) tick_.start_repeating(tick_every);
}

void Notifier::on_tick() {
  const MonotonicTime now = clock_.now();
  unsigned sends = 0;
  for (auto at = jobs_.begin(); at != jobs_.end() && sends < sends_a_tick;) {
    const auto next = std::next(at);
    auto& [key, job] = *at;
    if (job.due <= now) {
      if (job.attempts == options_.attempts) {
        ++counts_.given_up;
        log_warning("secondary not notified", {{"zone", key.first},
                                               {"secondary", key.second.text()},
                                               {"serial", std::to_string(job.serial)},
                                               {"problem", job.problem}});
        jobs_.erase(at);
      } else {
        send(key, job);
        ++sends;
      }
    }
    at = next;
  }
  if (jobs_.empty()) tick_.stop();
}

void Notifier::send(const Key& key, Job& job) {
  job.due = clock_.now() + options_.retry_first * (int64_t{1} << job.attempts);
  ++job.attempts;
  std::array<uint8_t, request_size_max> message{};
  zones::write_u16(&message[0], job.id);
  zones::write_u16(&message[2], notify_flags);
  zones::write_u16(&message[4], 1);
  const Bytes name = job.zone.wire();
  std::ranges::copy(name, &message[zones::header_size]);
  size_t size = zones::header_size + name.size();
  zones::write_u16(&message[size], zones::type::soa);
  zones::write_u16(&message[size + 2], zones::dns_class::in);
  size += 4;
  if (job.key) {
    const auto now = static_cast<uint64_t>(clock_.wall().unix_milliseconds / 1000);
    size = job.tsig.sign_request(*job.key, message.data(), size, now);
  }
  const Outlet* outlet = outlet_to(key.second.address);
  if (!outlet) return;
  sockaddr_storage to{};
  const socklen_t to_size = to_sockaddr(key.second.address, key.second.port, to);
  if (sendto(outlet->descriptor, message.data(), size, MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&to), to_size) < 0) {
    job.problem = std::strerror(errno);
    return;
  }
  ++counts_.sent;
}

/// An address that the server listens at says where a datagram comes from, if it can reach `to` at all.
Notifier::Outlet* Notifier::outlet_to(const IpAddress& to) {
  std::optional<IpAddress> source;
  for (const SocketAddress& each : listen_) {
    const IpAddress& address = each.address;
    if (address.is_v4() == to.is_v4() && !address.is_any() &&
        address.is_loopback() == to.is_loopback()) {
      source = address;
      break;
    }
  }
  std::unique_ptr<Outlet>& outlet = outlets_[{to.is_v4(), source}];
  if (outlet) return outlet.get();
  auto opened = std::make_unique<Outlet>();
  if (const Status status = opened->open(to.is_v4(), source); !status) {
    log_warning("no NOTIFY can be sent", {{"problem", status.error().message}});
    return nullptr;
  }
  outlet = std::move(opened);
  outlet->poll.emplace(loop_, outlet->descriptor,
                       [this, &there = *outlet](loop::Poll::Ready) { receive(there); });
  outlet->poll->watch({.readable = true});
  return outlet.get();
}

void Notifier::receive(Outlet& outlet) {
  std::array<uint8_t, 4096> packet;
  for (unsigned i = 0; i < sends_a_tick; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(outlet.descriptor, packet.data(), packet.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    // An ICMP error of an earlier datagram comes this way too; the next attempt finds out as well.
    if (got < 0) return;
    on_answer(from_sockaddr(reinterpret_cast<const sockaddr&>(from)),
              Bytes(packet).first(static_cast<size_t>(got)));
  }
}

void Notifier::on_answer(const SocketAddress& from, Bytes packet) {
  using namespace zones;
  if (packet.size() < header_size) return;
  const uint16_t flags = read_u16(&packet[2]);
  const bool is_answer = (flags & flag::response) != 0 &&
                         (flags & flag::opcode_mask) == (notify_flags & flag::opcode_mask);
  if (!is_answer) return;
  const auto found = std::ranges::find_if(jobs_, [&](const auto& entry) {
    return entry.first.second == from && entry.second.id == read_u16(&packet[0]) &&
           entry.second.attempts > 0;
  });
  if (found == jobs_.end()) return;
  auto& [key, job] = *found;
  const uint16_t rcode = flags & 0xf;
  const auto now = static_cast<uint64_t>(clock_.wall().unix_milliseconds / 1000);
  if (job.key && !job.tsig.verify_answer(packet, now)) {
    // Perhaps forged: the true one may still come, or the next attempt brings it.
    job.problem = "its answer " + rcode_text(rcode) + " is not signed with the key";
    return;
  }
  const bool is_fine = rcode == rcode::no_error;
  ++(is_fine ? counts_.acknowledged : counts_.refused);
  log(is_fine ? LogLevel::info : LogLevel::warning,
      is_fine ? "secondary notified" : "secondary refuses NOTIFY",
      {{"zone", key.first},
       {"secondary", key.second.text()},
       {"serial", std::to_string(job.serial)},
       {"rcode", rcode_text(rcode)}});
  jobs_.erase(found);
}

}  // namespace swingover::control
