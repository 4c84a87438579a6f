// TCP clients of a name server, as many as a measurement needs, in one thread:
//   tcp_client oneshot ADDRESS PORT NAME SECONDS CLIENTS   each connects, asks once, closes, and begins again
//   tcp_client idle ADDRESS PORT NAME COUNT                connects, every other one asks once; holds until input ends
// Prints one line, `answers=N failed=N seconds=S`. Clients come from many addresses of 127.0.0.0/8, so that ports
// last and no limit of one client is met.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::vector<uint8_t> framed_query(std::string_view name) {
  std::vector<uint8_t> query{0, 0, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  for (size_t at = 0; at < name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    if (dot > at) {
      query.push_back(static_cast<uint8_t>(dot - at));
      query.insert(query.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
                   name.begin() + static_cast<std::ptrdiff_t>(dot));
    }
    at = dot + 1;
  }
  query.insert(query.end(), {0, 0, 1, 0, 1});
  query[1] = static_cast<uint8_t>(query.size() - 2);
  return query;
}

struct Totals {
  uint64_t answers = 0;
  uint64_t failed = 0;
};

class Clients {
 public:
  Clients(const char* address, int port, std::string_view name) : query_(framed_query(name)) {
    server_.sin_family = AF_INET;
    server_.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, address, &server_.sin_addr);
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }

  Totals oneshot(double seconds, size_t clients) {
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    const int set = epoll_create1(0);
    size_t open = 0;
    for (; open < clients; ++open) start(set);
    std::array<epoll_event, 256> ready{};
    while (open > 0) {
      const int count = epoll_wait(set, ready.data(), static_cast<int>(ready.size()), 2000);
      if (count <= 0) break;
      const bool goes_on = Clock::now() < until;
      for (int i = 0; i < count; ++i) {
        if (!serve(set, ready[static_cast<size_t>(i)])) continue;
        if (goes_on) {
          start(set);
        } else {
          --open;
        }
      }
    }
    totals_.failed += open;
    close(set);
    return totals_;
  }

  Totals idle(size_t count) {
    std::vector<int> held;
    for (size_t i = 0; i < count; ++i) {
      const int client = connected(SOCK_STREAM);
      if (client < 0) {
        ++totals_.failed;
        continue;
      }
      held.push_back(client);
      if (i % 2 == 0) ask(client);
    }
    std::printf("held=%zu answers=%llu failed=%llu\n", held.size(),
                static_cast<unsigned long long>(totals_.answers),
                static_cast<unsigned long long>(totals_.failed));
    std::fflush(stdout);
    while (std::getchar() != EOF) continue;
    size_t closed = 0;
    for (const int client : held) {
      uint8_t octet = 0;
      if (recv(client, &octet, 1, MSG_DONTWAIT | MSG_PEEK) == 0) ++closed;
    }
    std::printf("closed=%zu ", closed);
    return totals_;
  }

 private:
  /// A socket of the next client's address, connecting or connected.
  int connected(int type) {
    const int client = socket(AF_INET, type, 0);
    if (client < 0) return -1;
    const int on = 1;
    setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f100000 + next_++ % 4096);
    if (bind(client, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        (connect(client, reinterpret_cast<const sockaddr*>(&server_), sizeof server_) != 0 &&
         errno != EINPROGRESS)) {
      close(client);
      return -1;
    }
    return client;
  }

  void ask(int client) {
    std::array<uint8_t, 512> answer{};
    const timeval patience{5, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const bool is_asked = send(client, query_.data(), query_.size(), MSG_NOSIGNAL) > 0;
    ++(is_asked && recv(client, answer.data(), answer.size(), 0) > 14 ? totals_.answers
                                                                      : totals_.failed);
  }

  void start(int set) {
    const int client = connected(SOCK_STREAM | SOCK_NONBLOCK);
    if (client < 0) {
      std::perror("connecting");
      std::exit(1);
    }
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.fd = client;
    epoll_ctl(set, EPOLL_CTL_ADD, client, &event);
  }

  /// True when this client is done, well or not.
  bool serve(int set, const epoll_event& event) {
    const int client = event.data.fd;
    if ((event.events & EPOLLOUT) != 0) {
      if (send(client, query_.data(), query_.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(query_.size())) {
        epoll_event next{};
        next.events = EPOLLIN;
        next.data.fd = client;
        epoll_ctl(set, EPOLL_CTL_MOD, client, &next);
        return false;
      }
      ++totals_.failed;
    } else {
      std::array<uint8_t, 512> answer{};
      const ssize_t got = recv(client, answer.data(), answer.size(), 0);
      const bool is_answer = got > 14 && answer[2] == 0x12 && (answer[5] & 15) == 0;
      ++(is_answer ? totals_.answers : totals_.failed);
    }
    close(client);
    return true;
  }

  std::vector<uint8_t> query_;
  sockaddr_in server_{};
  uint32_t next_ = 0;
  Totals totals_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const bool is_oneshot = mode == "oneshot" && argc == 7;
  if (!is_oneshot && !(mode == "idle" && argc == 6)) {
    std::fprintf(stderr,
                 "usage: tcp_client oneshot ADDRESS PORT NAME SECONDS CLIENTS | idle ADDRESS PORT "
                 "NAME COUNT\n");
    return 2;
  }
  Clients clients(argv[2], std::atoi(argv[3]), argv[4]);
  const auto start = Clock::now();
  const Totals totals =
      is_oneshot ? clients.oneshot(std::atof(argv[5]), std::strtoul(argv[6], nullptr, 10))
                 : clients.idle(std::strtoul(argv[5], nullptr, 10));
  std::printf("answers=%llu failed=%llu seconds=%.3f\n",
              static_cast<unsigned long long>(totals.answers),
              static_cast<unsigned long long>(totals.failed),
              std::chrono::duration<double>(Clock::now() - start).count());
  return 0;
}
