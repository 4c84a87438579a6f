#include "server/query/stream.h"

#include <sys/socket.h>

#include <cerrno>

namespace swingover::query {

StreamState Stream::read(std::span<uint8_t> into, size_t& size) {
  if (tls_) return tls_->read(into, size);
  ssize_t got = 0;
  do {
    got = recv(descriptor(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return StreamState::waits;
  if (got <= 0) return StreamState::ended;
  size = static_cast<size_t>(got);
  return StreamState::moved;
}

StreamState Stream::write(Bytes from, size_t& size) {
  if (tls_) return tls_->write(from, size);
  ssize_t sent = 0;
  do {
    sent = send(descriptor(), from.data(), from.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno == EAGAIN ? StreamState::waits : StreamState::ended;
  size = static_cast<size_t>(sent);
  return StreamState::moved;
}

}  // namespace swingover::query
