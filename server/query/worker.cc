#include "server/query/worker.h"

#include <pthread.h>

#include <csignal>
#include <list>
#include <string>

#include "base/loop/timer.h"
#include "server/query/overload.h"
#include "server/query/udp_socket.h"

namespace swingover::query {
namespace {

/// Starts a thread that gets no signals: they are the control thread's.
template <class Run>
std::thread start_thread(Run run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

struct Worker::Sockets {
  std::list<UdpSocket> udp;
  TcpServer tcp;
  bool finishing = false;
};

Worker::Worker(uint32_t index, WorkerSockets sockets, const TransportOptions& transport,
               const TlsTickets::Origin& tickets, const Published<Serving>& serving)
    : index_(index), serving_(serving) {
  thread_ = start_thread([this, transport, tickets, mine = std::move(sockets)]() mutable {
    run(std::move(mine), transport, tickets);
  });
}

void Worker::configure(const TransportOptions& transport) {
  if (!thread_.joinable()) return;
  loop_.post([this, transport] {
    for (UdpSocket& socket : sockets_->udp) socket.trust(transport.proxy_from);
    sockets_->tcp.configure(transport);
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::stop(Milliseconds grace) {
  if (!thread_.joinable()) return;
  loop_.post([this, grace] {
    if (sockets_->finishing) return;
    sockets_->finishing = true;
    for (UdpSocket& socket : sockets_->udp) socket.finish();
    sockets_->tcp.finish(grace, [this] { loop_.stop(); });
  });
}

void Worker::run(WorkerSockets sockets, const TransportOptions& transport,
                 const TlsTickets::Origin& tickets) {
  pthread_setname_np(pthread_self(), ("query-" + std::to_string(index_)).c_str());
  Responder responder(serving_, index_, counters_);
  Sockets open{{}, TcpServer(loop_, transport, tickets, responder), false};
  Overload overload;
  for (ListenPair& pair : sockets.pairs) {
    overload.watch(pair.udp.descriptor(), index_ == 0 || !pair.is_shared);
    open.udp.emplace_back(loop_, pair, responder).trust(transport.proxy_from);
    open.tcp.listen(std::move(pair.tcp), false);
  }
  for (Socket& listener : sockets.tls) open.tcp.listen(std::move(listener), true);
  sockets_ = &open;
  loop::Timer tick(loop_, [&] {
    responder.refresh();  // an idle worker holds no old snapshot for longer
    counters_.queue_dropped.add(overload.look());
    responder.set_under_load(overload.is_on());
  });
  tick.start_repeating(Milliseconds(Overload::look_every_ms));
  loop_.run();
}

}  // namespace swingover::query
