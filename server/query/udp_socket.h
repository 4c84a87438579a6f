#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/published.h"
#include "server/query/responder.h"
#include "server/query/socket.h"

namespace swingover::query {

/// Those who must say for whom they speak (server/query/proxy_header.h).
using FrontEnds = std::vector<IpPrefix>;

/// A UDP socket of one worker: queries in and answers out by the batch, each from the address that was asked.
///
/// Memory   All buffers are made at start, about 0.5 MB.
/// Fairness A turn takes a bounded number of queries, so that the thread's other sockets get theirs under any load.
/// Threads  The one that made it. Hot path.
class UdpSocket {
 public:
  UdpSocket(Socket socket, const SocketAddress& address, const Published<FrontEnds>& front_ends,
            Responder& responder);

  int descriptor() const { return socket_.descriptor(); }
  /// Whether the kernel waits at it for a first query; nobody else may then change that, see UdpThread.
  bool is_blocking() const;
  /// False: answers wait until the kernel has room again, and serve_turn() sends them.
  bool has_room() const { return replies_sent_ == replies_count_; }

  enum class Wait : uint8_t { none, for_first };  // at most udp_sleep_most_ms
  /// Answers one batch from the newest snapshot; false: nothing came.
  bool serve(Wait wait);
  /// Sends what waits for room, then answers what has come, up to a bound.
  void serve_turn();

  /// Answers what the kernel still holds, as far as it goes at once, and stops.
  void finish();

 private:
  static constexpr size_t batch_size = Responder::batch_max;
  static constexpr size_t queries_a_turn = 4 * batch_size;

  /// Room for every address form and for the packet info of either family.
  struct alignas(cmsghdr) Slot {
    union {
      sockaddr_in v4;
      sockaddr_in6 v6;
    } peer;
    alignas(cmsghdr) std::array<uint8_t, 64> control;
    iovec in;
    iovec out;
  };
  // A stride of a power of two would put all packets' first lines into the same few cache sets.
  struct Buffers {
    std::array<std::array<uint8_t, 4096 + 64>, batch_size> in;
    std::array<std::array<uint8_t, 4096 + 64>, batch_size> out;
  };

  bool turn();
  size_t receive(Wait wait);
  void answer(size_t received);
  void add_reply(size_t slot, size_t size);
  void prepare(size_t slot);
  bool flush();
  zones::Client client_of(const Slot& slot) const;
  bool take_proxy_header(Bytes& packet, IpAddress& client);
  void aim_reply(msghdr& reply, const msghdr& query) const;

  Socket socket_;
  Responder& responder_;
  bool is_wildcard_;
  Published<FrontEnds>::Reader front_ends_reader_;
  const FrontEnds* front_ends_ = nullptr;  // of the batch at hand
  std::unique_ptr<Buffers> buffers_ = std::make_unique<Buffers>();
  std::array<Slot, batch_size> slots_{};
  std::array<Bytes, batch_size> packets_;  // of the batch at hand, without front ends' headers
  std::array<zones::Client, batch_size> clients_;
  std::array<mmsghdr, batch_size> queries_{};
  std::array<mmsghdr, batch_size> replies_{};
  size_t replies_sent_ = 0;
  size_t replies_count_ = 0;
};

}  // namespace swingover::query
