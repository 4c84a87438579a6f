// Offers a name server more than it can carry, and tells how much of it comes back in time.
//
//   flood ADDRESS PORT QUERIES --window N --seconds S     N queries under way: as much as the server gives
//   flood ADDRESS PORT QUERIES --rate R --seconds S       R queries a second, whatever comes back
//
// QUERIES is a file of lines "name A", as dnsperf reads it. An answer counts when it comes within a second.
// Prints one JSON object: what was sent and answered a second, and the waiting times of answers in microseconds.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr size_t sockets_count = 16;
constexpr size_t batch_size = 64;
constexpr int64_t patience_us = 1'000'000;
constexpr int kernel_buffer_size = 4 << 20;

int64_t now_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000} + now.tv_nsec / 1000;
}

using Packet = std::vector<uint8_t>;

/// A query for the A records of `name`, its id still 0.
Packet query(const std::string& name) {
  Packet packet{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  std::istringstream labels(name);
  for (std::string label; std::getline(labels, label, '.');) {
    if (label.empty()) continue;
    packet.push_back(static_cast<uint8_t>(label.size()));
    packet.insert(packet.end(), label.begin(), label.end());
  }
  packet.insert(packet.end(), {0, 0, 1, 0, 1});
  return packet;
}

std::vector<Packet> read_queries(const char* file) {
  std::vector<Packet> packets;
  std::ifstream lines(file);
  for (std::string name, type; lines >> name >> type;) packets.push_back(query(name));
  return packets;
}

/// One port's queries: who they are by their ids, and when they left.
struct Port {
  int descriptor = -1;
  uint16_t next_id = 0;
  std::array<int64_t, 65'536> sent_at{};  // 0: none, or answered
};

class Flood {
 public:
  Flood(const sockaddr_in& server, std::vector<Packet> queries) : queries_(std::move(queries)) {
    for (auto& port : ports_) {
      port = std::make_unique<Port>();
      port->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      setsockopt(port->descriptor, SOL_SOCKET, SO_RCVBUF, &kernel_buffer_size,
                 sizeof kernel_buffer_size);
      connect(port->descriptor, reinterpret_cast<const sockaddr*>(&server), sizeof server);
    }
    waits_us_.reserve(size_t{1} << 24);
  }

  void run(size_t window, double rate, double seconds) {
    const int64_t start = now_us();
    const auto end = start + static_cast<int64_t>(seconds * 1e6);
    int64_t progress = start;  // when something came or was given up last
    for (int64_t now = start; now < end; now = now_us()) {
      const uint64_t due =
          window > 0 ? closed_ + window
                     : static_cast<uint64_t>(rate * static_cast<double>(now - start) / 1e6);
      if (due > sent_) send(std::min<size_t>(due - sent_, batch_size), now);
      const uint64_t before = answered_;
      for (auto& port : ports_) receive(*port);
      closed_ += answered_ - before;
      if (answered_ > before) progress = now;
      if (window > 0 && now - progress > 100'000) {  // what is under way now is lost
        closed_ = sent_;
        progress = now;
      }
    }
    seconds_ = static_cast<double>(now_us() - start) / 1e6;
    for (const int64_t last = now_us() + patience_us; now_us() < last;) {
      for (auto& port : ports_) receive(*port);
      usleep(1000);
    }
  }

  void print() {
    const auto per_second = [this](uint64_t count) {
      return static_cast<double>(count) / seconds_;
    };
    std::sort(waits_us_.begin(), waits_us_.end());
    const auto quantile = [this](double q) {
      return waits_us_.empty()
                 ? 0U
                 : waits_us_[static_cast<size_t>(q * static_cast<double>(waits_us_.size() - 1))];
    };
    std::printf(
        "{\"sent\": %.0f, \"answered\": %.0f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n",
        per_second(sent_), per_second(answered_), quantile(0.5), quantile(0.99), quantile(1));
  }

 private:
  void send(size_t count, int64_t now) {
    Port& port = *ports_[turn_++ % sockets_count];
    std::array<mmsghdr, batch_size> messages{};
    std::array<std::array<iovec, 2>, batch_size> parts{};
    std::array<std::array<uint8_t, 2>, batch_size> ids{};
    for (size_t i = 0; i < count; ++i) {
      Packet& packet = queries_[(sent_ + i) % queries_.size()];
      const auto id = static_cast<uint16_t>(port.next_id + i);
      ids[i] = {static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id)};
      parts[i] = {{{ids[i].data(), 2}, {packet.data() + 2, packet.size() - 2}}};
      messages[i].msg_hdr.msg_iov = parts[i].data();
      messages[i].msg_hdr.msg_iovlen = 2;
      port.sent_at[id] = now;
    }
    const int sent = sendmmsg(port.descriptor, messages.data(), static_cast<unsigned>(count), 0);
    if (sent <= 0) return;
    port.next_id = static_cast<uint16_t>(port.next_id + sent);
    sent_ += static_cast<uint64_t>(sent);
  }

  void receive(Port& port) {
    std::array<mmsghdr, batch_size> messages{};
    std::array<iovec, batch_size> parts{};
    std::array<std::array<uint8_t, 12>, batch_size> heads{};
    for (size_t i = 0; i < batch_size; ++i) {
      parts[i] = {heads[i].data(), heads[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int got = recvmmsg(port.descriptor, messages.data(), batch_size, MSG_DONTWAIT, nullptr);
    const int64_t now = got > 0 ? now_us() : 0;
    for (int i = 0; i < got; ++i) {
      const auto& head = heads[static_cast<size_t>(i)];
      int64_t& sent_at = port.sent_at[static_cast<size_t>(head[0] << 8 | head[1])];
      const int64_t wait = now - sent_at;
      if (sent_at == 0 || wait > patience_us || (head[3] & 15) != 0) continue;
      sent_at = 0;
      ++answered_;
      waits_us_.push_back(static_cast<uint32_t>(wait));
    }
  }

  std::vector<Packet> queries_;
  std::array<std::unique_ptr<Port>, sockets_count> ports_;
  size_t turn_ = 0;
  uint64_t sent_ = 0;
  uint64_t closed_ = 0;  // answered, or given up
  uint64_t answered_ = 0;
  double seconds_ = 0;
  std::vector<uint32_t> waits_us_;
};

}  // namespace

int main(int count, char** words) {
  size_t window = 0;
  double rate = 0;
  double seconds = 1;
  for (int i = 4; i + 1 < count; i += 2) {
    const std::string_view option = words[i];
    if (option == "--window") window = std::strtoul(words[i + 1], nullptr, 10);
    if (option == "--rate") rate = std::strtod(words[i + 1], nullptr);
    if (option == "--seconds") seconds = std::strtod(words[i + 1], nullptr);
  }
  sockaddr_in server{};
  server.sin_family = AF_INET;
  if (count < 4 || inet_pton(AF_INET, words[1], &server.sin_addr) != 1 ||
      (window == 0) == (rate == 0)) {
    std::fputs("usage: flood ADDRESS PORT QUERIES --window N | --rate R [--seconds S]\n", stderr);
    return 2;
  }
  server.sin_port = htons(static_cast<uint16_t>(std::strtoul(words[2], nullptr, 10)));
  std::vector<Packet> queries = read_queries(words[3]);
  if (queries.empty()) {
    std::fputs("flood: no queries in the file\n", stderr);
    return 1;
  }
  Flood flood(server, std::move(queries));
  flood.run(window, rate, seconds);
  flood.print();
}
