#include "server/query/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "server/query/tls_core.h"

namespace swingover::query {
namespace {

TlsStream::Core& core_of(BIO* bio) {
  return *static_cast<TlsStream::Core*>(BIO_get_data(bio));
}

int write_to_socket(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t sent = 0;
  do {
    sent = send(core_of(bio).descriptor, from, static_cast<size_t>(size), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int read_from_socket(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t got = 0;
  do {
    got = recv(core_of(bio).descriptor, into, static_cast<size_t>(size), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  if (got == 0) core_of(bio).is_at_end = true;
  return static_cast<int>(got);
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return core_of(bio).is_at_end ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is kept back
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "swingover socket");
  BIO_meth_set_write(method, write_to_socket);
  BIO_meth_set_read(method, read_from_socket);
  BIO_meth_set_ctrl(method, control_socket);
  return method;
}

}  // namespace

/// OpenSSL's own would use write(2), which raises SIGPIPE when the client has gone.
BIO* new_socket_bio(TlsStream::Core& core) {
  static BIO_METHOD* const method = make_method();  // of the process, for good
  BIO* bio = method ? BIO_new(method) : nullptr;
  if (!bio) return nullptr;
  BIO_set_data(bio, &core);
  BIO_set_init(bio, 1);
  return bio;
}

TlsStream::TlsStream(std::unique_ptr<Core> core) : core_(std::move(core)) {}

TlsStream::~TlsStream() {
  if (!core_->has_failed && is_open()) SSL_shutdown(core_->ssl.get());
  ERR_clear_error();
}

StreamState TlsStream::read(std::span<uint8_t> into, size_t& size) {
  core_->reads_by_writing = false;
  ERR_clear_error();  // SSL_get_error() looks at the whole queue of this thread
  const int done = SSL_read_ex(core_->ssl.get(), into.data(), into.size(), &size);
  if (done == 1) return StreamState::moved;
  switch (SSL_get_error(core_->ssl.get(), done)) {
    case SSL_ERROR_WANT_WRITE:
      core_->reads_by_writing = true;
      return StreamState::waits;
    case SSL_ERROR_WANT_READ:
      return StreamState::waits;
    case SSL_ERROR_ZERO_RETURN:
      return StreamState::ended;  // of its half: answers still go out
    default:
      core_->has_failed = true;
      return StreamState::ended;
  }
}

StreamState TlsStream::write(Bytes from, size_t& size) {
  if (core_->has_failed) return StreamState::ended;
  ERR_clear_error();
  const int done = SSL_write_ex(core_->ssl.get(), from.data(), from.size(), &size);
  if (done == 1) return StreamState::moved;
  const int error = SSL_get_error(core_->ssl.get(), done);
  if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return StreamState::waits;
  core_->has_failed = true;
  return StreamState::ended;
}

bool TlsStream::is_open() const {
  return SSL_is_init_finished(core_->ssl.get()) == 1;
}
bool TlsStream::is_resumed() const {
  return SSL_session_reused(core_->ssl.get()) == 1;
}
bool TlsStream::has_read_ahead() const {
  return SSL_pending(core_->ssl.get()) > 0;
}
bool TlsStream::reads_by_writing() const {
  return core_->reads_by_writing;
}

}  // namespace swingover::query
