// The least that answering a DNS query over UDP can cost in this process model: one thread, libuv's
// uv_poll, recvmmsg and sendmmsg, and each query sent back as its own answer (QR set, nothing else).
//
//   echo PORT      binds 127.0.0.1:PORT; ends with SIGTERM

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr unsigned batch_size = 64;
constexpr size_t header_size = 12;

class Echo {
 public:
  explicit Echo(int socket) : socket_(socket) {
    for (size_t i = 0; i < batch_size; ++i) {
      parts_[i] = {packets_[i].data(), packets_[i].size()};
      msghdr& header = messages_[i].msg_hdr;
      header.msg_name = &peers_[i];
      header.msg_iov = &parts_[i];
      header.msg_iovlen = 1;
    }
  }

  void turn() {
    for (unsigned i = 0; i < batch_size; ++i) {
      messages_[i].msg_hdr.msg_namelen = sizeof peers_[i];
      parts_[i].iov_len = packets_[i].size();
    }
    const int received = recvmmsg(socket_, messages_.data(), batch_size, MSG_DONTWAIT, nullptr);
    if (received <= 0) return;
    for (size_t i = 0; i < static_cast<size_t>(received); ++i) {
      if (messages_[i].msg_len >= header_size) packets_[i][2] |= 0x80;
      parts_[i].iov_len = messages_[i].msg_len;
    }
    sendmmsg(socket_, messages_.data(), static_cast<unsigned>(received), MSG_DONTWAIT);
  }

 private:
  int socket_;
  std::array<std::array<uint8_t, 4096>, batch_size> packets_{};
  std::array<sockaddr_in, batch_size> peers_{};
  std::array<iovec, batch_size> parts_{};
  std::array<mmsghdr, batch_size> messages_{};
};

int bound_socket(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  std::perror("bind");
  std::exit(1);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("usage: echo PORT\n", stderr);
    return 2;
  }
  const int socket = bound_socket(static_cast<uint16_t>(std::atoi(words[1])));
  static Echo echo(socket);
  uv_poll_t poll;
  poll.data = &echo;
  uv_poll_init(uv_default_loop(), &poll, socket);
  uv_poll_start(&poll, UV_READABLE,
                [](uv_poll_t* ready, int, int) { static_cast<Echo*>(ready->data)->turn(); });
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
