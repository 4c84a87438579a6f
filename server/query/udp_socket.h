#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/loop/poll.h"
#include "server/query/responder.h"
#include "server/query/socket.h"

namespace swingover::query {

/// One worker's UDP socket: queries in and answers out by the batch, each from the address that was asked.
///
/// Memory   All buffers are made at start, about 0.5 MB.
/// Fairness A turn takes a bounded number of queries, so that TCP and timers get theirs under any load.
/// Threads  The worker's. Hot path.
class UdpSocket {
 public:
  UdpSocket(loop::Loop& loop, ListenPair& pair, Responder& responder);

  /// From now on these must say for whom they speak (server/query/proxy_header.h).
  void trust(std::vector<IpPrefix> front_ends) { front_ends_ = std::move(front_ends); }

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

  void on_ready(loop::Poll::Ready ready);
  bool turn();
  size_t receive();
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
  std::vector<IpPrefix> front_ends_;
  std::unique_ptr<Buffers> buffers_ = std::make_unique<Buffers>();
  std::array<Slot, batch_size> slots_{};
  std::array<Bytes, batch_size> packets_;  // of the batch at hand, without front ends' headers
  std::array<zones::Client, batch_size> clients_;
  std::array<mmsghdr, batch_size> queries_{};
  std::array<mmsghdr, batch_size> replies_{};
  size_t replies_sent_ = 0;
  size_t replies_count_ = 0;
  bool waits_for_room_ = false;
  std::optional<loop::Poll> poll_;  // last: gone before the socket is closed
};

}  // namespace swingover::query
