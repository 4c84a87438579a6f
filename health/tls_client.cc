#include "health/tls_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/text.h"

namespace swingover::health {

namespace {

constexpr Milliseconds authorities_life{60'000};
constexpr size_t names_shown_max = 2;

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using Context = std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, FreeBy<SSL_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, FreeBy<GENERAL_NAMES_free>>;

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 100));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return out;
}

std::string text_of(const GENERAL_NAME& name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(&name, &type);
  if (type != GEN_DNS && type != GEN_IPADD) return {};
  const auto* text = static_cast<const ASN1_STRING*>(value);
  const std::string_view octets(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<size_t>(ASN1_STRING_length(text)));
  if (type == GEN_DNS) return printable(octets);
  std::array<uint8_t, 4> v4{};
  std::array<uint8_t, 16> v6{};
  if (octets.size() == v4.size()) {
    std::ranges::copy(octets, v4.begin());
    return IpAddress::v4(v4).text();
  }
  if (octets.size() != v6.size()) return {};
  std::ranges::copy(octets, v6.begin());
  return IpAddress::v6(v6).text();
}

/// "other.example.test and 2 more".
std::string names_of(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> shown;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && shown.size() < names_shown_max; ++i) {
    std::string text = text_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!text.empty()) shown.push_back(std::move(text));
  }
  if (shown.empty()) return "no name";
  const auto more = static_cast<size_t>(count) - shown.size();
  return joined(shown, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

/// "tlsv1 alert unknown ca" -> "alert unknown ca".
std::string words_of(unsigned long error) {
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    const int reason = ERR_GET_REASON(error);
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST) {
      return "the other end does not speak it";
    }
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL) return "the other end speaks old versions alone";
  }
  const char* reason = ERR_reason_error_string(error);
  std::string_view words = reason ? reason : "failed";
  if (const size_t at = words.find(" alert "); at != words.npos) words.remove_prefix(at + 1);
  return std::string(words);
}

}  // namespace

struct TlsClient::Core {
  Ssl ssl;
  BIO* in = nullptr;   // ssl's
  BIO* out = nullptr;  // ssl's
  std::string host;
  bool verify = true;
  bool is_open = false;
  bool is_closed = false;
  std::string problem;

  void shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl.get());
    if (result != 1) return note(result);
    problem = verify ? certificate_problem() : "";
    is_open = problem.empty();
  }

  void note(int result) {
    const int error = SSL_get_error(ssl.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      is_closed = true;
      return;
    }
    problem = "tls: " + words_of(ERR_peek_error());
    ERR_clear_error();
  }

  // Looked at after the handshake and not within, as that forgets a certificate that it does not believe,
  // and whose it is says what is wrong.
  std::string certificate_problem() const {
    const long result = SSL_get_verify_result(ssl.get());
    X509* certificate = SSL_get0_peer_certificate(ssl.get());
    if (!certificate) return "certificate: there is none";
    if (result == X509_V_OK) return {};
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
      return fmt::format("certificate: for {}, not for {}", names_of(certificate), host);
    }
    return std::string("certificate: ") + X509_verify_cert_error_string(result);
  }
};

TlsClient::TlsClient(std::unique_ptr<Core> core) : core_(std::move(core)) {
  core_->shake_hands();
}

TlsClient::~TlsClient() = default;

void TlsClient::receive(std::string_view octets, std::string& plain) {
  Core& core = *core_;
  BIO_write(core.in, octets.data(), static_cast<int>(octets.size()));
  if (!core.is_open && core.problem.empty()) core.shake_hands();
  std::array<char, 16384> buffer;
  while (core.is_open && !core.is_closed && core.problem.empty()) {
    size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(core.ssl.get(), buffer.data(), buffer.size(), &got);
    if (result != 1) return core.note(result);
    plain.append(buffer.data(), got);
  }
}

void TlsClient::send(std::string_view plain) {
  size_t sent = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(core_->ssl.get(), plain.data(), plain.size(), &sent);
  if (result != 1) core_->note(result);
}

void TlsClient::close() {
  ERR_clear_error();
  if (core_->is_open && core_->problem.empty()) SSL_shutdown(core_->ssl.get());
  ERR_clear_error();
}

std::string TlsClient::take_output() {
  std::string octets(static_cast<size_t>(BIO_ctrl_pending(core_->out)), 0);
  if (!octets.empty()) BIO_read(core_->out, octets.data(), static_cast<int>(octets.size()));
  return octets;
}

bool TlsClient::is_open() const {
  return core_->is_open;
}

bool TlsClient::is_closed() const {
  return core_->is_closed;
}

const std::string& TlsClient::problem() const {
  return core_->problem;
}

std::string_view TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(core_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::optional<Milliseconds> TlsClient::validity_left() const {
  SSL* ssl = core_->ssl.get();
  const STACK_OF(X509)* chain =
      core_->verify ? SSL_get0_verified_chain(ssl) : SSL_get_peer_cert_chain(ssl);
  std::optional<Milliseconds> least;
  for (int i = 0; chain && i < sk_X509_num(chain); ++i) {
    int days = 0;
    int seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(sk_X509_value(chain, i)))) {
      continue;
    }
    const Milliseconds left((int64_t{days} * 86'400 + seconds) * 1000);
    if (!least || left < *least) least = left;
  }
  return least;
}

struct TlsContext::Shared {
  Context context;
};

TlsContext::TlsContext(Settings settings) : settings_(std::move(settings)) {}

TlsContext::~TlsContext() = default;

bool TlsContext::refresh(MonotonicTime now) {
  if (shared_ && now - made_ < authorities_life) return true;
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) {
    problem_ = "out of memory";
    return false;
  }
  // Whom it trusts is checked after the handshake: see Core::certificate_problem().
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  if (settings_.verify) {
    const char* file = settings_.ca_file.c_str();
    const int read = settings_.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                               : SSL_CTX_load_verify_file(context.get(), file);
    ERR_clear_error();
    if (read != 1) {
      problem_ = settings_.ca_file.empty()
                     ? "the system's certificate authorities cannot be read"
                     : "tls_ca_file " + settings_.ca_file + " cannot be read as certificates";
      return false;
    }
  }
  shared_ = std::make_unique<Shared>(Shared{std::move(context)});
  made_ = now;
  return true;
}

std::unique_ptr<TlsClient> TlsContext::connect(const std::string& host, std::string_view protocol,
                                               MonotonicTime now) {
  if (!refresh(now)) return nullptr;
  auto core = std::make_unique<TlsClient::Core>();
  core->ssl.reset(SSL_new(shared_->context.get()));
  core->in = BIO_new(BIO_s_mem());
  core->out = BIO_new(BIO_s_mem());
  if (!core->ssl || !core->in || !core->out) {
    BIO_free(core->in);
    BIO_free(core->out);
    problem_ = "out of memory";
    return nullptr;
  }
  SSL* ssl = core->ssl.get();
  SSL_set_bio(ssl, core->in, core->out);
  SSL_set_connect_state(ssl);
  core->host = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  core->verify = settings_.verify;
  const bool is_address = static_cast<bool>(parse_ip_address(core->host));
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, core->host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, core->host.c_str());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(wanted, core->host.c_str(), core->host.size());
  }
  if (!protocol.empty()) {
    std::string offered(1, static_cast<char>(protocol.size()));
    offered += protocol;
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
  }
  return std::make_unique<TlsClient>(std::move(core));
}

std::shared_ptr<TlsContext> TlsContexts::of(const TlsContext::Settings& settings) {
  std::weak_ptr<TlsContext>& known = all_[settings];
  std::shared_ptr<TlsContext> context = known.lock();
  if (!context) known = context = std::make_shared<TlsContext>(settings);
  return context;
}

std::string expiry_words(Milliseconds left) {
  if (left.value < 0) return "certificate has expired";
  const int64_t hours = left.value / 3'600'000;
  if (hours >= 48) return fmt::format("certificate expires in {} days", hours / 24);
  if (hours >= 2) return fmt::format("certificate expires in {} hours", hours);
  return "certificate expires within two hours";
}

}  // namespace swingover::health
