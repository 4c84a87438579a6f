// Asks one server a name each millisecond and writes down when each question went and how long its answer took:
// "sent-at-ns took-ns name address", took -1 for a lost one. For bench/big; until SIGTERM or for so many seconds.
//
// The kernel says when an answer arrived, so this process may be late in looking without an answer seeming late.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr int64_t second = 1'000'000'000;  // in ns, as all times here
constexpr int64_t interval = 1'000'000;
constexpr int64_t given_up_after = second / 2;

volatile sig_atomic_t stopped = 0;

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * second + time.tv_nsec;
}
int64_t now() {  // the clock of the kernel's timestamps
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

struct Asked {
  int64_t at = 0;
  uint32_t name = 0;
  bool open = false;
};

/// The message for `host-NUMBER` below the zone, type A.
std::vector<uint8_t> question(uint16_t id, uint32_t number, const std::string& zone) {
  std::vector<uint8_t> out{
      static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  const std::string name = "host-" + std::to_string(number) + "." + zone;
  for (size_t from = 0; from < name.size();) {
    const size_t dot = name.find('.', from);
    out.push_back(static_cast<uint8_t>(dot - from));
    out.insert(out.end(), name.begin() + static_cast<std::ptrdiff_t>(from),
               name.begin() + static_cast<std::ptrdiff_t>(dot));
    from = dot + 1;
  }
  out.insert(out.end(), {0, 0, 1, 0, 1});
  return out;
}

/// Of the first answer, which is an A record behind a pointer; 0 without one.
uint32_t address_in(std::span<const uint8_t> packet) {
  if (packet.size() < 12 || (packet[3] & 0x0f) != 0 || packet[7] == 0) return 0;
  size_t at = 12;
  while (at < packet.size() && packet[at] != 0) at += 1U + packet[at];
  at += 1 + 4 + 2 + 10;  // root, type and class; pointer, type to RDLENGTH
  if (at + 4 > packet.size()) return 0;
  uint32_t address = 0;
  for (const uint8_t octet : packet.subspan(at, 4)) address = address << 8 | octet;
  return address;
}

class Probe {
 public:
  Probe(int socket, uint32_t names, std::string zone)
      : socket_(socket), names_(names), zone_(std::move(zone)), asked_(65536) {}

  void run(double seconds) {
    const int64_t end = now() + static_cast<int64_t>(seconds * static_cast<double>(second));
    timespec next{};
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!stopped && now() < end) {
      ask();
      next.tv_nsec += interval;
      if (next.tv_nsec >= second) {
        next.tv_nsec -= second;
        ++next.tv_sec;
      }
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
      while (receive()) {
      }
    }
    for (const Asked& asked : asked_) {
      if (asked.open && now() - asked.at > given_up_after) tell(asked, -1, 0);
    }
  }

 private:
  // Every second question is for host-0, whose address tells the generations apart; others are for any name.
  void ask() {
    const uint16_t id = id_++;
    Asked& asked = asked_[id];
    if (asked.open) tell(asked, -1, 0);
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    asked.name = id % 2 == 0 ? 0 : static_cast<uint32_t>((random_ >> 33) % names_);
    asked.open = true;
    const std::vector<uint8_t> packet = question(id, asked.name, zone_);
    asked.at = now();
    // Before the server listens, the error of the one in front comes back here: that one is lost.
    (void)!send(socket_, packet.data(), packet.size(), 0);
  }

  bool receive() {
    std::array<uint8_t, 4096> packet{};
    alignas(cmsghdr) std::array<uint8_t, 128> control{};
    iovec part{packet.data(), packet.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket_, &message, MSG_DONTWAIT);
    if (size < 12) return size >= 0;
    int64_t at = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec time{};
      std::memcpy(&time, CMSG_DATA(c), sizeof time);
      at = nanoseconds(time);
    }
    Asked& asked = asked_[static_cast<size_t>(packet[0] << 8 | packet[1])];
    if (!asked.open || at - asked.at > given_up_after) return true;
    asked.open = false;
    tell(asked, at - asked.at, address_in({packet.data(), static_cast<size_t>(size)}));
    return true;
  }

  static void tell(const Asked& asked, int64_t took, uint32_t address) {
    std::printf("%lld %lld %u %u\n", static_cast<long long>(asked.at), static_cast<long long>(took),
                asked.name, address);
  }

  int socket_;
  uint32_t names_;
  std::string zone_;
  std::vector<Asked> asked_;
  uint16_t id_ = 0;
  uint64_t random_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("late_probe ADDRESS PORT ZONE. NAMES SECONDS\n", stderr);
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopped = 1; });
  (void)setpriority(PRIO_PROCESS, 0, -20);  // where it is allowed: it asks each millisecond then
  const int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[2])));
  inet_pton(AF_INET, argv[1], &to.sin_addr);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return 1;
  Probe(descriptor, static_cast<uint32_t>(std::atoi(argv[4])), argv[3]).run(std::atof(argv[5]));
}
