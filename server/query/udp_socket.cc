#include "server/query/udp_socket.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "server/query/proxy_header.h"

namespace swingover::query {

UdpSocket::UdpSocket(Socket socket, const SocketAddress& address,
                     const Published<FrontEnds>& front_ends, Responder& responder)
    : socket_(std::move(socket)),
      responder_(responder),
      is_wildcard_(address.address.is_any()),
      front_ends_reader_(front_ends) {
  for (size_t i = 0; i < batch_size; ++i) {
    slots_[i].in = {buffers_->in[i].data(), buffers_->in[i].size()};
    slots_[i].out.iov_base = buffers_->out[i].data();
    msghdr& query = queries_[i].msg_hdr;
    query.msg_name = &slots_[i].peer;
    query.msg_iov = &slots_[i].in;
    query.msg_iovlen = 1;
    if (is_wildcard_) query.msg_control = slots_[i].control.data();
    replies_[i].msg_hdr.msg_iovlen = 1;
    prepare(i);
  }
}

bool UdpSocket::is_blocking() const {
  return (fcntl(socket_.descriptor(), F_GETFL) & O_NONBLOCK) == 0;
}

bool UdpSocket::serve(Wait wait) {
  const size_t received = receive(wait);
  if (received == 0) return false;
  answer(received);
  flush();
  return true;
}

void UdpSocket::serve_turn() {
  if (flush()) turn();
}

void UdpSocket::finish() {
  if (!flush()) return;
  constexpr int turns_max = 64;  // more than a full kernel buffer holds; a flood must not keep us
  for (int i = 0; i < turns_max && turn(); ++i) continue;
}

/// False when the kernel has no more queries, or no more room for answers.
bool UdpSocket::turn() {
  for (size_t answered = 0; answered < queries_a_turn;) {
    const size_t received = receive(Wait::none);
    if (received == 0) return false;
    answer(received);
    answered += received;
    if (!flush()) return false;
    // Where several wait at a time, more came meanwhile: to look costs less than to poll. Behind a single one it
    // would mostly find nothing.
    if (received == 1) return false;
  }
  return true;
}

size_t UdpSocket::receive(Wait wait) {
  const int flags = wait == Wait::for_first ? MSG_WAITFORONE : MSG_DONTWAIT;
  const int received = recvmmsg(socket_.descriptor(), queries_.data(), batch_size, flags, nullptr);
  return received > 0 ? static_cast<size_t>(received) : 0;
}

void UdpSocket::answer(size_t received) {
  responder_.refresh();  // behind the sleep: what was published meanwhile counts
  front_ends_ = &front_ends_reader_.current();
  replies_sent_ = 0;
  replies_count_ = 0;
  for (size_t i = 0; i < received; ++i) {
    packets_[i] = {buffers_->in[i].data(), queries_[i].msg_len};
    clients_[i] = client_of(slots_[i]);
    if (!front_ends_->empty() && !take_proxy_header(packets_[i], clients_[i].address))
      packets_[i] = {};
  }
  responder_.read(std::span(packets_).first(received));
  for (size_t i = 0; i < received; ++i) {
    const size_t size =
        packets_[i].data() ? responder_.respond(i, clients_[i], buffers_->out[i]) : 0;
    if (size > 0) add_reply(i, size);
    prepare(i);
  }
}

void UdpSocket::add_reply(size_t slot, size_t size) {
  Slot& s = slots_[slot];
  s.out.iov_len = size;
  msghdr& reply = replies_[replies_count_++].msg_hdr;
  reply.msg_name = &s.peer;
  reply.msg_namelen = queries_[slot].msg_hdr.msg_namelen;
  reply.msg_iov = &s.out;
  if (is_wildcard_) aim_reply(reply, queries_[slot].msg_hdr);
}

/// A front end's header goes off the packet, and its client becomes ours; false: there is no proper one.
bool UdpSocket::take_proxy_header(Bytes& packet, IpAddress& client) {
  if (!is_front_end(*front_ends_, client)) return true;
  ProxyHeader header;
  if (parse_proxy_header(packet, header) != ProxyOutcome::fine) {
    responder_.counters().proxy_refused.add();
    return false;
  }
  packet = packet.subspan(header.size);
  if (header.is_from_client) client = header.client;
  return true;
}

/// What recvmmsg() changes is set again for the next batch.
void UdpSocket::prepare(size_t slot) {
  queries_[slot].msg_hdr.msg_namelen = sizeof slots_[slot].peer;
  if (is_wildcard_) queries_[slot].msg_hdr.msg_controllen = slots_[slot].control.size();
}

/// Sends what is left of the batch; false when the kernel has no room now.
bool UdpSocket::flush() {
  while (replies_sent_ < replies_count_) {
    const int sent = sendmmsg(socket_.descriptor(), replies_.data() + replies_sent_,
                              static_cast<unsigned>(replies_count_ - replies_sent_),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      replies_sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno != EINTR) {
      // This one answer cannot go (no route, a firewall, a full queue of the device): the client asks
      // again, the others must not wait for it.
      responder_.counters().send_failed.add();
      ++replies_sent_;
    }
  }
  return true;
}

zones::Client UdpSocket::client_of(const Slot& slot) const {
  if (slot.peer.v4.sin_family == AF_INET) {
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &slot.peer.v4.sin_addr, bytes.size());
    return {IpAddress::v4(bytes), zones::Transport::udp};
  }
  std::array<uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &slot.peer.v6.sin6_addr, bytes.size());
  return {IpAddress::v6(bytes).unmapped(), zones::Transport::udp};
}

/// The kernel gives back the packet info as it gave it: the address asked becomes the source. The way
/// out is the routing table's choice, not the interface that the query came by, except where the
/// address means nothing without it.
void UdpSocket::aim_reply(msghdr& reply, const msghdr& query) const {
  reply.msg_control = query.msg_control;
  reply.msg_controllen = query.msg_controllen;
  for (cmsghdr* item = CMSG_FIRSTHDR(&reply); item; item = CMSG_NXTHDR(&reply, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      info.ipi_ifindex = 0;
      std::memcpy(CMSG_DATA(item), &info, sizeof info);
    } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
      std::memcpy(CMSG_DATA(item), &info, sizeof info);
    }
  }
}

}  // namespace swingover::query
