#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "server/query/socket.h"
#include "server/query/workers.h"
#include "tests/support/served.h"

namespace swingover::tests {

using Octets = std::vector<uint8_t>;

/// A zone with an address, a service, and a text of some 40,000 octets that fills buffers.
inline zones::Model query_model() {
  std::string text =
      "@ 300 IN SOA ns1 h.example. 1 2 3 4 60\n@ 300 IN NS ns1\nns1 300 IN A 192.0.2.53\n"
      "www 300 IN A 192.0.2.80\n";
  for (int i = 0; i < 180; ++i) {
    text += "big 300 IN TXT \"" + std::string(200, 'x') + std::to_string(i) + "\"\n";
  }
  zones::Model model;
  model.topology = two_clusters();
  model.zones = {zone_source("example.", text)};
  model.services = {service_of("shop.example.",
                               {pool_of("fra", {"192.0.2.1"}), pool_of("ams", {"192.0.2.2"}, 2)})};
  return model;
}

inline Octets question(std::string_view name, uint16_t type, uint16_t id) {
  return query_packet({.name = name, .type = type, .id = id});
}
inline Octets question(uint16_t id) {
  return question("www.example.", 1, id);
}

/// The query in its TCP frame.
inline Octets framed(const Octets& packet) {
  Octets frame;
  put_u16(frame, static_cast<unsigned>(packet.size()));
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

inline uint16_t id_of(const Octets& answer) {
  return answer.size() < 2 ? uint16_t{0} : static_cast<uint16_t>(answer[0] << 8 | answer[1]);
}

/// Workers on loopback, serving query_model().
class Running {
 public:
  explicit Running(query::WorkersOptions options = {}) : served_(query_model()) {
    served_.set_all(zones::Eligibility::eligible);
    if (options.listen.empty()) options.listen = {*parse_socket_address("127.9.8.7:0")};
    worker_count_ = options.workers;
    published_ = std::make_unique<Published<query::Serving>>(serving());
    auto started = query::Workers::start(options, *published_);
    if (!started) throw std::runtime_error(started.error().message);
    workers_ = std::move(*started);
  }

  query::Workers& workers() { return *workers_; }
  Published<query::Serving>& published() { return *published_; }
  std::shared_ptr<const query::Serving> serving() const {
    return query::Serving::make(served_.shared(), worker_count_);
  }
  SocketAddress udp(size_t i = 0) const { return workers_->udp_addresses().at(i); }
  SocketAddress tcp(size_t i = 0) const { return workers_->tcp_addresses().at(i); }

 private:
  Served served_;
  uint32_t worker_count_ = 1;
  std::unique_ptr<Published<query::Serving>> published_;
  std::unique_ptr<query::Workers> workers_;
};

/// A blocking client socket; nothing waits longer than `patience`.
class Peer {
 public:
  static constexpr int patience_ms = 20'000;

  static Peer udp(const SocketAddress& server, std::string_view from = {}) {
    return Peer(server, SOCK_DGRAM, 0, from);
  }
  /// `receive_buffer` above 0: so small that a server's answers soon have no room.
  /// `from`: the address that it asks from.
  static Peer tcp(const SocketAddress& server, int receive_buffer = 0, std::string_view from = {}) {
    return Peer(server, SOCK_STREAM, receive_buffer, from);
  }

  void send(const Octets& octets) const {
    size_t at = 0;
    do {  // an empty datagram is one, too
      const ssize_t sent =
          ::send(descriptor(), octets.data() + at, octets.size() - at, MSG_NOSIGNAL);
      if (sent < 0) throw std::runtime_error("send failed");
      at += static_cast<size_t>(sent);
    } while (at < octets.size());
  }
  /// As much as goes without waiting; for servers that stop reading.
  size_t send_some(const Octets& octets) const {
    const ssize_t sent =
        ::send(descriptor(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<size_t>(sent) : 0;
  }
  /// One datagram, or what a stream has; nothing when the server closed or stayed silent.
  Octets receive(int wait_ms = patience_ms) const {
    if (!is_readable(wait_ms)) return {};
    Octets octets(70'000);
    const ssize_t got = recv(descriptor(), octets.data(), octets.size(), 0);
    octets.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return octets;
  }
  /// The next answer of a stream, out of its frame.
  Octets receive_framed() {
    while (buffer_.size() < 2 || buffer_.size() - 2 < frame_size()) {
      const Octets more = receive();
      if (more.empty()) return {};
      buffer_.insert(buffer_.end(), more.begin(), more.end());
    }
    const auto end = buffer_.begin() + 2 + static_cast<std::ptrdiff_t>(frame_size());
    Octets answer(buffer_.begin() + 2, end);
    buffer_.erase(buffer_.begin(), end);
    return answer;
  }
  /// True once the server has closed, and nothing more was to read.
  bool is_closed_by_server(int wait_ms = patience_ms) const {
    if (!is_readable(wait_ms)) return false;
    uint8_t octet = 0;
    return recv(descriptor(), &octet, 1, MSG_PEEK) <= 0;
  }
  void finish_sending() const { shutdown(descriptor(), SHUT_WR); }
  int descriptor() const { return socket_.descriptor(); }

 private:
  Peer(const SocketAddress& server, int type, int receive_buffer, std::string_view from)
      : socket_(::socket(server.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    if (type == SOCK_STREAM) setsockopt(descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0) {
      setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_storage to{};
    if (!from.empty()) {
      const unsigned from_size = to_sockaddr(*parse_ip_address(from), 0, to);
      if (bind(descriptor(), reinterpret_cast<const sockaddr*>(&to), from_size) != 0)
        throw std::runtime_error("bind failed");
    }
    const unsigned size = to_sockaddr(server.address, server.port, to);
    if (connect(descriptor(), reinterpret_cast<const sockaddr*>(&to), size) != 0) {
      throw std::runtime_error("connect to " + server.text() + " failed");
    }
  }
  bool is_readable(int wait_ms) const {
    pollfd waiting{descriptor(), POLLIN, 0};
    return ::poll(&waiting, 1, wait_ms) > 0;
  }
  size_t frame_size() const { return size_t{buffer_[0]} << 8 | buffer_[1]; }

  query::Socket socket_;
  Octets buffer_;
};

template <class Fact>
bool within(std::chrono::milliseconds most, Fact fact) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  while (!fact()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace swingover::tests
