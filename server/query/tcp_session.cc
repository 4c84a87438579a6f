#include "server/query/tcp_session.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "server/query/proxy_header.h"

namespace swingover::query {
namespace {

constexpr size_t streams_max = 4;  // more transfers at once of one client wait

void put_length(uint8_t* at, size_t size) {
  at[0] = static_cast<uint8_t>(size >> 8);
  at[1] = static_cast<uint8_t>(size);
}

}  // namespace

TcpSession::TcpSession(Socket socket, const IpAddress& peer, Opening opening, MonotonicTime now)
    : stream_(std::move(socket)),
      client_(peer),
      tls_(opening.tls),
      is_tls_(opening.tls != nullptr),
      awaits_header_(opening.has_proxy_header) {
  if (!awaits_header_) begin_tls(now);
}

void TcpSession::begin_tls(MonotonicTime now) {
  TlsContext* context = std::exchange(tls_, nullptr);
  if (!context) return;
  auto tls = context->accept(descriptor(), now);
  ended_ = tls == nullptr;
  stream_.secure(std::move(tls));
  has_handshake_ahead_ = !ended_;
}

TcpSession::Progress TcpSession::work(Responder& responder, TcpScratch& scratch, const Now& now) {
  progress_ = {};
  if (awaits_header_ && !read_proxy_header(responder, now.time)) return progress_;
  send_waiting();
  send_streams(scratch);
  if (is_paused_ && may_answer()) serve({}, responder, scratch, now);
  if (reads_ && may_answer()) read_and_serve(responder, scratch, now);
  if (!reads_ && out_.empty() && !streams_ && !is_paused_) ended_ = true;
  return progress_;
}

loop::Poll::Interest TcpSession::wants() const {
  return {.readable = reads_ && may_answer(),
          .writable = !out_.empty() || streams_ != nullptr || stream_.reads_by_writing()};
}

bool TcpSession::is_unfinished() const {
  return !is_open() || framing_.has_kept() || !out_.empty() || streams_ != nullptr;
}

bool TcpSession::may_answer() const {
  return out_.empty() && !ended_ && (!streams_ || streams_->size() < streams_max);
}

/// Takes the header from the socket and nothing behind it, which is perhaps TLS. False: it is not whole.
bool TcpSession::read_proxy_header(Responder& responder, MonotonicTime now) {
  for (;;) {
    ProxyHeader header;
    const ProxyOutcome outcome = parse_proxy_header(header_, header);
    if (outcome == ProxyOutcome::fine) {
      if (header.is_from_client) client_ = header.client;
      header_ = {};
      awaits_header_ = false;
      progress_.completed = true;
      begin_tls(now);
      return !ended_;
    }
    const size_t had = header_.size();
    ssize_t got = 0;
    if (outcome == ProxyOutcome::incomplete) {
      header_.resize(header.size);
      got = recv(descriptor(), header_.data() + had, header.size - had, 0);
      header_.resize(had + static_cast<size_t>(got > 0 ? got : 0));
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    }
    if (got > 0) continue;
    // A front end that looks whether we accept, and leaves, has done nothing wrong.
    if (had > 0) responder.counters().proxy_refused.add();
    ended_ = true;
    return false;
  }
}

/// Once a turn: what the kernel still holds makes the socket ready again, and the other clients come between.
void TcpSession::read_and_serve(Responder& responder, TcpScratch& scratch, const Now& now) {
  do {
    size_t size = 0;
    const StreamState state = stream_.read(scratch.in, size);
    if (has_handshake_ahead_) note_handshake(responder);
    switch (state) {
      case StreamState::waits:
        return;
      case StreamState::ended:
        stop_reading();  // a query cut off by the end is none
        return;
      case StreamState::moved:
        serve({scratch.in.data(), size}, responder, scratch, now);
    }
  } while (reads_ && may_answer() && stream_.has_read_ahead());
}

void TcpSession::note_handshake(Responder& responder) {
  if (!stream_.is_open()) return;
  has_handshake_ahead_ = false;
  progress_.completed = true;
  (stream_.is_resumed() ? responder.counters().tls_resumed : responder.counters().tls_full).add();
}

/// Answers the queries that `fresh` completes, or those that were kept, until an answer must wait.
void TcpSession::serve(Bytes fresh, Responder& responder, TcpScratch& scratch, const Now& now) {
  size_t gathered = 0;
  const zones::Client client{.address = client_,
                             .transport = is_tls_ ? zones::Transport::tls : zones::Transport::tcp,
                             .keepalive = now.keepalive};
  const auto answer = [&](Bytes query) {
    const auto room = std::span(scratch.out)
                          .subspan(gathered + TcpFraming::length_size, TcpScratch::answer_size_max);
    const size_t size = responder.respond(query, client, room);
    if (size > 0) {
      put_length(scratch.out.data() + gathered, size);
      gathered += TcpFraming::length_size + size;
    }
    if (auto stream = responder.take_stream()) {
      if (!streams_) streams_ = std::make_unique<std::deque<std::unique_ptr<MessageStream>>>();
      streams_->push_back(std::move(stream));
    }
    if (gathered >= TcpScratch::flush_size) {
      send({scratch.out.data(), gathered});
      gathered = 0;
    }
    return may_answer();
  };
  const TcpFraming::Outcome outcome =
      fresh.empty() ? framing_.resume(answer) : framing_.feed(fresh, answer);
  if (gathered > 0) send({scratch.out.data(), gathered});
  is_paused_ = outcome == TcpFraming::Outcome::paused && framing_.has_kept();
  if (outcome == TcpFraming::Outcome::not_dns) stop_reading();
}

/// One flush of the first transfer; then queries get their turn, and other clients theirs.
void TcpSession::send_streams(TcpScratch& scratch) {
  if (!streams_ || !out_.empty() || ended_) return;
  size_t gathered = 0;
  while (gathered < TcpScratch::flush_size && !streams_->empty()) {
    const auto room = std::span(scratch.out)
                          .subspan(gathered + TcpFraming::length_size, TcpScratch::answer_size_max);
    const size_t size = streams_->front()->next(room);
    if (size == 0) {
      streams_->pop_front();
    } else {
      put_length(scratch.out.data() + gathered, size);
      gathered += TcpFraming::length_size + size;
    }
  }
  if (streams_->empty()) streams_.reset();
  if (gathered > 0) send({scratch.out.data(), gathered});
}

void TcpSession::send(Bytes answers) {
  while (!answers.empty()) {
    size_t sent = 0;
    switch (stream_.write(answers, sent)) {
      case StreamState::moved:
        progress_.moved = true;
        answers = answers.subspan(sent);
        break;
      case StreamState::waits:
        out_.assign(answers.begin(), answers.end());
        return;
      case StreamState::ended:
        ended_ = true;
        return;
    }
  }
  progress_.completed = true;
}

void TcpSession::send_waiting() {
  while (out_sent_ < out_.size()) {
    size_t sent = 0;
    switch (stream_.write(Bytes(out_).subspan(out_sent_), sent)) {
      case StreamState::moved:
        progress_.moved = true;
        out_sent_ += sent;
        break;
      case StreamState::waits:
        return;
      case StreamState::ended:
        ended_ = true;
        return;
    }
  }
  if (out_sent_ > 0) progress_.completed = true;
  out_ = {};
  out_sent_ = 0;
}

}  // namespace swingover::query
