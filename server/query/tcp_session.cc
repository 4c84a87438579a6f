#include "server/query/tcp_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace swingover::query {
namespace {

constexpr size_t length_size = 2;
constexpr size_t query_size_min = 12;  // a header; who sends less does not speak DNS

}  // namespace

bool TcpSession::work(Responder& responder, TcpScratch& scratch) {
  moved_ = false;
  send_waiting();
  if (out_.empty() && !ended_ && serve_kept(responder, scratch) && reads_)
    read_and_serve(responder, scratch);
  if (!reads_ && out_.empty()) ended_ = true;
  return moved_;
}

/// Once a turn: what the kernel still holds makes the socket ready again, and the other clients come between.
void TcpSession::read_and_serve(Responder& responder, TcpScratch& scratch) {
  size_t size = 0;
  switch (read(scratch, size)) {
    case Input::none_now:
      return;
    case Input::end:
      stop_reading();  // a query cut off by the end is none
      return;
    case Input::some:
      break;
  }
  const Bytes fresh(scratch.in.data(), size);
  if (in_.empty()) {
    // Mostly whole queries come, and are answered where they were read.
    keep(fresh.subspan(serve(fresh, responder, scratch)));
  } else {
    keep(fresh);
    serve_kept(responder, scratch);  // now: nothing else would make this socket ready again
  }
}

/// Answers what was read before; false when the client must read first.
bool TcpSession::serve_kept(Responder& responder, TcpScratch& scratch) {
  if (in_.empty()) return true;
  const size_t served = serve(in_, responder, scratch);
  if (served == in_.size()) {
    in_ = {};  // an idle connection keeps no memory
  } else if (served > 0) {
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(served));
  }
  return out_.empty() && !ended_;
}

/// Answers the whole queries of `input` until one answer must wait; returns how many octets are done.
size_t TcpSession::serve(Bytes input, Responder& responder, TcpScratch& scratch) {
  size_t at = 0;
  size_t gathered = 0;
  bool speaks_dns = true;
  while (speaks_dns && out_.empty() && !ended_ && input.size() - at >= length_size) {
    const size_t size = size_t{input[at]} << 8 | input[at + 1];
    speaks_dns = size >= query_size_min;
    if (!speaks_dns || input.size() - at - length_size < size) break;
    const auto room =
        std::span(scratch.out).subspan(gathered + length_size, TcpScratch::answer_size_max);
    const size_t answer = responder.respond(input.subspan(at + length_size, size),
                                            {client_, zones::Transport::tcp}, room);
    at += length_size + size;
    if (answer > 0) {
      scratch.out[gathered] = static_cast<uint8_t>(answer >> 8);
      scratch.out[gathered + 1] = static_cast<uint8_t>(answer);
      gathered += length_size + answer;
    }
    if (gathered >= TcpScratch::flush_size) {
      send_gathered({scratch.out.data(), gathered});
      gathered = 0;
    }
  }
  if (gathered > 0) send_gathered({scratch.out.data(), gathered});
  if (!speaks_dns) {
    stop_reading();
    return input.size();
  }
  return at;
}

TcpSession::Input TcpSession::read(TcpScratch& scratch, size_t& size) {
  ssize_t got = 0;
  do {
    got = recv(descriptor(), scratch.in.data(), scratch.in.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    size = static_cast<size_t>(got);
    return Input::some;
  }
  return got < 0 && errno == EAGAIN ? Input::none_now : Input::end;
}

void TcpSession::keep(Bytes input) {
  in_.insert(in_.end(), input.begin(), input.end());
}

void TcpSession::send_gathered(Bytes answers) {
  while (!answers.empty()) {
    const ssize_t sent = send(descriptor(), answers.data(), answers.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      moved_ = true;
      answers = answers.subspan(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      out_.assign(answers.begin(), answers.end());
      return;
    } else if (errno != EINTR) {
      ended_ = true;
      return;
    }
  }
}

void TcpSession::send_waiting() {
  while (out_sent_ < out_.size()) {
    const ssize_t sent =
        send(descriptor(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (sent > 0) {
      moved_ = true;
      out_sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      ended_ = true;
      return;
    }
  }
  out_ = {};
  out_sent_ = 0;
}

}  // namespace swingover::query
