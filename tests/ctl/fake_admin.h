#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

namespace swingover::tests {

/// An admin address that answers what a test laid out, one connection at a time, and keeps what it was asked.
class FakeAdmin {
 public:
  /// The raw HTTP response to "METHOD /path" without its query; others get 404 with an error object.
  using Replies = std::map<std::string, std::string>;

  static std::string reply(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " x\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
  }

  explicit FakeAdmin(Replies replies) : replies_(std::move(replies)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    listen(listener_, 8);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeAdmin() {
    stop();
    close(listener_);
  }
  FakeAdmin(const FakeAdmin&) = delete;
  FakeAdmin& operator=(const FakeAdmin&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// Every request as it came, head and body. Ends the serving.
  const std::vector<std::string>& requests() {
    stop();
    return requests_;
  }

 private:
  void stop() {
    if (!thread_.joinable()) return;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
  }

  void serve() {
    for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0; close(peer)) {
      const std::string request = read_request(peer);
      if (request.empty()) continue;
      requests_.push_back(request);
      std::string what = request.substr(0, request.find(" HTTP/"));
      what.resize(std::min(what.size(), what.find('?')));
      const auto found = replies_.find(what);
      const std::string out =
          found != replies_.end()
              ? found->second
              : reply(404, R"({"error":{"code":"not_found","message":"no such call"}})");
      [[maybe_unused]] const auto sent = send(peer, out.data(), out.size(), MSG_NOSIGNAL);
    }
  }

  static std::string read_request(int peer) {
    std::string request;
    size_t needed = SIZE_MAX;
    char bytes[4096];
    while (request.size() < needed) {
      const ssize_t got = recv(peer, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      request.append(bytes, static_cast<size_t>(got));
      const size_t end = request.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const size_t length = request.find("Content-Length: ");
      needed = end + 4 + (length < end ? std::stoul(request.substr(length + 16)) : 0);
    }
    return request;
  }

  Replies replies_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace swingover::tests
