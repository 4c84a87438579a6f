#include <openssl/ssl.h>

#include <catch2/catch.hpp>
#include <optional>

#include "query_fixture.h"
#include "server/query/tls_credentials.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tls_files.h"

namespace swingover::tests {
namespace {

using namespace std::chrono_literals;

struct SslFree {
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL_SESSION* p) const { SSL_SESSION_free(p); }
  void operator()(X509* p) const { X509_free(p); }
};
using Session = std::unique_ptr<SSL_SESSION, SslFree>;

std::shared_ptr<const query::TlsCredentials> credentials(const TlsFiles& files) {
  const auto loaded = query::load_tls(files.certificate, files.key, system_clock().wall());
  REQUIRE(loaded.problems.empty());
  return loaded.credentials;
}

query::WorkersOptions with_tls(const TlsFiles& files) {
  query::WorkersOptions options;
  options.tls_listen = {*parse_socket_address("127.9.8.7:0")};
  options.transport.tls = credentials(files);
  return options;
}

SocketAddress tls_of(Running& running) {
  return running.workers().tls_addresses().at(0);
}

/// A blocking TLS client on a Peer's socket.
class TlsPeer {
 public:
  struct Wants {
    const SSL_SESSION* session = nullptr;
    std::string alpn = "\3dot";
    int version_max = TLS1_3_VERSION;
    Octets before{};  // sent in the clear, in front of all
    std::string_view from{};
  };
  explicit TlsPeer(const SocketAddress& server) : TlsPeer(server, Wants{}) {}
  TlsPeer(const SocketAddress& server, const Wants& wants)
      : peer_(Peer::tcp(server, 0, wants.from)), context_(SSL_CTX_new(TLS_client_method())) {
    if (!wants.before.empty()) peer_.send(wants.before);
    SSL_CTX_set_max_proto_version(context_.get(), wants.version_max);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const uint8_t*>(wants.alpn.data()),
                        static_cast<unsigned>(wants.alpn.size()));
    if (wants.session) SSL_set_session(ssl_.get(), const_cast<SSL_SESSION*>(wants.session));
    SSL_set_fd(ssl_.get(), peer_.descriptor());
    const timeval patience{20, 0};
    setsockopt(peer_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    is_open_ = SSL_connect(ssl_.get()) == 1;
  }

  bool is_open() const { return is_open_; }
  bool is_resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  std::string protocol() const {
    const uint8_t* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  std::string certificate_name() const {
    const std::unique_ptr<X509, SslFree> certificate(SSL_get1_peer_certificate(ssl_.get()));
    std::array<char, 256> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    return name.data();
  }
  void send(const Octets& octets) {
    if (SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size())) !=
        static_cast<int>(octets.size())) {
      throw std::runtime_error("writing through TLS failed");
    }
  }
  Octets receive_framed() {
    Octets head = read(2);
    if (head.size() < 2) return {};
    return read(size_t{head[0]} << 8 | head[1]);
  }
  /// What the server gave for a next connection; after an answer it has come.
  Session session() const { return Session(SSL_get1_session(ssl_.get())); }
  void say_goodbye() { SSL_shutdown(ssl_.get()); }
  bool hears_goodbye() {
    uint8_t octet = 0;
    return SSL_read(ssl_.get(), &octet, 1) <= 0 &&
           (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  const Peer& peer() const { return peer_; }

 private:
  Octets read(size_t size) {
    Octets octets(size);
    size_t at = 0;
    while (at < size) {
      const int got = SSL_read(ssl_.get(), octets.data() + at, static_cast<int>(size - at));
      if (got <= 0) return {};
      at += static_cast<size_t>(got);
    }
    return octets;
  }

  Peer peer_;
  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  bool is_open_ = false;
};

TEST_CASE("a query over TLS is answered, as DNS over TLS 1.3", "[query_tls]") {
  const TemporaryFolder folder;
  const TlsFiles files(folder.path(), "ns1");
  Running running(with_tls(files));
  TlsPeer peer(tls_of(running));
  REQUIRE(peer.is_open());
  CHECK(peer.protocol() == "dot");
  CHECK(peer.certificate_name() == "ns1");
  peer.send(framed(question(7)));
  CHECK(packet_text(peer.receive_framed()).answer == Lines{"www.example. 300 IN A 192.0.2.80"});
  const query::QueryCounters counters = running.workers().counters();
  CHECK(counters.queries[static_cast<size_t>(zones::Transport::tls)][0] == 1);
  CHECK(counters.tls_full == 1);
  CHECK(counters.tls_open == 1);
  peer.say_goodbye();
  CHECK(peer.hears_goodbye());
  CHECK(within(20s, [&] { return running.workers().counters().tls_open == 0; }));
  CHECK(running.workers().counters().tls_failed == 0);
}

TEST_CASE("many queries in one TLS record are all answered, large answers too", "[query_tls]") {
  const TemporaryFolder folder;
  Running running(with_tls(TlsFiles(folder.path(), "ns1")));
  TlsPeer peer(tls_of(running));
  Octets small;
  for (uint16_t id = 1; id <= 400; ++id) {  // more than one record, each more than one read
    const Octets frame = framed(question(id));
    small.insert(small.end(), frame.begin(), frame.end());
  }
  peer.send(small);
  for (uint16_t id = 1; id <= 400; ++id) REQUIRE(id_of(peer.receive_framed()) == id);

  Octets large;
  for (uint16_t id = 1; id <= 200; ++id) {  // 8 MB of answers, more than any buffer between holds
    const Octets frame = framed(question("big.example.", 16, id));
    large.insert(large.end(), frame.begin(), frame.end());
  }
  peer.send(large);
  std::this_thread::sleep_for(100ms);
  for (uint16_t id = 1; id <= 200; ++id) {
    const Octets answer = peer.receive_framed();
    REQUIRE(id_of(answer) == id);
    REQUIRE(answer.size() > 30'000);
  }
}

TEST_CASE("a client that comes back needs no signature, whichever worker it meets", "[query_tls]") {
  const TemporaryFolder folder;
  query::WorkersOptions options = with_tls(TlsFiles(folder.path(), "ns1"));
  options.workers = 4;
  Running running(options);
  Session session;
  {
    TlsPeer first(tls_of(running));
    first.send(framed(question(1)));
    REQUIRE(id_of(first.receive_framed()) == 1);
    CHECK_FALSE(first.is_resumed());
    session = first.session();
    first.say_goodbye();
  }
  for (uint16_t id = 2; id <= 17; ++id) {
    TlsPeer again(tls_of(running), {.session = session.get()});
    REQUIRE(again.is_open());
    CHECK(again.is_resumed());
    again.send(framed(question(id)));
    REQUIRE(id_of(again.receive_framed()) == id);
    again.say_goodbye();  // else OpenSSL lets the client never resume this session again
  }
  CHECK(running.workers().counters().tls_full == 1);
  CHECK(running.workers().counters().tls_resumed == 16);
}

TEST_CASE("a new certificate is for new connections; old ones and tickets go on", "[query_tls]") {
  const TemporaryFolder folder;
  query::WorkersOptions options = with_tls(TlsFiles(folder.path(), "old"));
  Running running(options);
  TlsPeer before(tls_of(running));
  before.send(framed(question(1)));
  REQUIRE(id_of(before.receive_framed()) == 1);
  options.transport.tls = credentials(TlsFiles(folder.path(), "new"));
  running.workers().configure(options.transport);
  CHECK(within(20s, [&] { return TlsPeer(tls_of(running)).certificate_name() == "new"; }));
  before.send(framed(question(2)));
  CHECK(id_of(before.receive_framed()) == 2);
  CHECK(TlsPeer(tls_of(running), {.session = before.session().get()}).is_resumed());
}

TEST_CASE("who speaks older TLS, or for another protocol, is turned away", "[query_tls]") {
  const TemporaryFolder folder;
  Running running(with_tls(TlsFiles(folder.path(), "ns1")));
  CHECK_FALSE(TlsPeer(tls_of(running), {.version_max = TLS1_2_VERSION}).is_open());
  CHECK_FALSE(TlsPeer(tls_of(running), {.alpn = "\2h2"}).is_open());
  CHECK(TlsPeer(tls_of(running), {.alpn = "\2h2\3dot"}).is_open());
  CHECK(TlsPeer(tls_of(running), {.alpn = ""}).is_open());
  CHECK(within(20s, [&] { return running.workers().counters().tls_failed == 2; }));
}

TEST_CASE("plain DNS on the TLS port is not answered, and harms nobody", "[query_tls]") {
  const TemporaryFolder folder;
  Running running(with_tls(TlsFiles(folder.path(), "ns1")));
  Peer plain = Peer::tcp(tls_of(running));
  plain.send(framed(question(7)));
  CHECK(within(20s, [&] { return running.workers().counters().tcp_open == 0; }));
  CHECK(running.workers().counters().queries[1][0] + running.workers().counters().queries[2][0] ==
        0);
  TlsPeer peer(tls_of(running));
  peer.send(framed(question(8)));
  CHECK(id_of(peer.receive_framed()) == 8);
}

TEST_CASE("a handshake that is not gone on with ends in time", "[query_tls]") {
  const TemporaryFolder folder;
  query::WorkersOptions options = with_tls(TlsFiles(folder.path(), "ns1"));
  options.transport.tcp_query_timeout = Milliseconds(300);
  options.transport.tcp_idle = Milliseconds(60'000);
  Running running(options);
  const Peer silent = Peer::tcp(tls_of(running));
  const Peer begun = Peer::tcp(tls_of(running));
  begun.send({0x16, 0x03, 0x01, 0x02, 0x00, 0x01});
  CHECK(silent.is_closed_by_server());
  CHECK(begun.is_closed_by_server());
  CHECK(running.workers().counters().tls_failed == 2);
}

TEST_CASE("a TLS client that ends its side behind the query gets the answer", "[query_tls]") {
  const TemporaryFolder folder;
  Running running(with_tls(TlsFiles(folder.path(), "ns1")));
  for (const bool says_goodbye : {true, false}) {
    TlsPeer peer(tls_of(running));
    peer.send(framed(question(7)));
    if (says_goodbye) peer.say_goodbye();
    peer.peer().finish_sending();
    CHECK(id_of(peer.receive_framed()) == 7);
  }
}

TEST_CASE("UDP is answered promptly while handshakes keep the same worker busy", "[query_tls]") {
  const TemporaryFolder folder;
  const TlsFiles files(folder.path(), "ns1");
  query::WorkersOptions options = with_tls(files);
  options.listen = {*parse_socket_address("127.9.8.7:0")};
  Running running(options);
  const auto handshakes = [&] { return running.workers().counters().tls_full; };
  std::atomic<bool> done{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!done) TlsPeer(tls_of(running));
    });
  }
  const Peer peer = Peer::udp(running.udp());
  CHECK(within(20s, [&] { return handshakes() >= 20; }));
  const uint64_t before = handshakes();
  uint32_t answered = 0;
  uint64_t most_between = 0;  // handshakes done while one answer was waited for
  while (answered < 300 || handshakes() < before + 100) {
    const uint64_t begun = handshakes();
    const auto id = static_cast<uint16_t>(++answered);
    peer.send(question(id));
    if (id_of(peer.receive()) != id) break;
    most_between = std::max(most_between, handshakes() - begun);
  }
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(answered >= 300);
  CHECK(handshakes() >= before + 100);
  CHECK(most_between <
        100);  // some 70 ms of them: the scheduler's doing, on a busy machine, not ours
}

Octets proxied(const char* client) {
  Octets octets{0x0d, 0x0a, 0x0d, 0x0a, 0,    0x0d, 0x0a, 0x51,
                0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0x00, 12};
  const IpAddress source = *parse_ip_address(client);
  const Bytes address = source.bytes();
  octets.insert(octets.end(), address.begin(), address.end());
  octets.insert(octets.end(), {127, 9, 8, 7, 0x30, 0x39, 0, 53});
  return octets;
}

Octets joined(Octets first, const Octets& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

query::WorkersOptions behind(const char* front_end) {
  query::WorkersOptions options;
  options.transport.proxy_from = {*parse_ip_prefix(front_end)};
  return options;
}

TEST_CASE("a front end's datagrams need a PROXY header, nobody else's may have one",
          "[query_proxy]") {
  Running running(behind("127.7.0.0/16"));
  const Peer front = Peer::udp(running.udp(), "127.7.1.1");
  front.send(joined(proxied("192.0.2.99"), question(1)));
  CHECK(id_of(front.receive()) == 1);
  front.send(question(2));
  Octets broken = joined(proxied("192.0.2.99"), question(3));
  broken[12] = 0x31;
  front.send(broken);
  front.send(Octets(3, 0x0d));
  front.send(joined(proxied("192.0.2.99"), question(4)));
  CHECK(id_of(front.receive()) == 4);
  CHECK(running.workers().counters().proxy_refused == 3);

  const Peer stranger = Peer::udp(running.udp(), "127.8.1.1");
  stranger.send(joined(proxied("192.0.2.99"), question(5)));
  const Octets answer = stranger.receive();
  CHECK(id_of(answer) == 0x0d0a);  // read as DNS: the header's first octets are its id
  CHECK(packet_text(answer).rcode != 0);
  stranger.send(question(6));
  CHECK(id_of(stranger.receive()) == 6);
  CHECK(running.workers().counters().proxy_refused == 3);
}

TEST_CASE("a front end's connections need a PROXY header, however it is cut", "[query_proxy]") {
  Running running(behind("127.7.0.0/16"));
  Peer front = Peer::tcp(running.tcp(), 0, "127.7.1.1");
  for (const uint8_t octet : joined(proxied("192.0.2.99"), framed(question(1)))) {
    front.send({octet});
    std::this_thread::sleep_for(500us);
  }
  CHECK(id_of(front.receive_framed()) == 1);
  front.send(framed(question(2)));  // once is enough
  CHECK(id_of(front.receive_framed()) == 2);

  const Peer bare = Peer::tcp(running.tcp(), 0, "127.7.1.1");
  bare.send(framed(question(3)));
  CHECK(bare.is_closed_by_server());
  CHECK(running.workers().counters().proxy_refused == 1);
  { const Peer looks = Peer::tcp(running.tcp(), 0, "127.7.1.1"); }
  CHECK(within(20s, [&] { return running.workers().counters().tcp_open == 1; }));
  CHECK(running.workers().counters().proxy_refused == 1);

  Peer stranger = Peer::tcp(running.tcp());
  stranger.send(joined(proxied("192.0.2.99"), framed(question(4))));
  CHECK(stranger.receive_framed().size() < 60);  // as DNS it makes no sense
}

TEST_CASE("connection limits are for the clients behind a front end, not for itself",
          "[query_proxy]") {
  query::WorkersOptions options = behind("127.7.0.0/16");
  options.transport.tcp_connections_per_client_max = 1;
  Running running(options);
  const auto client = [&](const char* address) {
    Peer peer = Peer::tcp(running.tcp(), 0, "127.7.1.1");
    peer.send(joined(proxied(address), framed(question(1))));
    REQUIRE(id_of(peer.receive_framed()) == 1);
    return peer;
  };
  const Peer first = client("192.0.2.1");
  const Peer other = client("192.0.2.2");
  const Peer again = client("192.0.2.1");
  CHECK(first.is_closed_by_server());
  CHECK_FALSE(other.is_closed_by_server(50));
  CHECK_FALSE(again.is_closed_by_server(0));
  CHECK(running.workers().counters().tcp_shed_own == 1);
}

TEST_CASE("a PROXY header stands in front of TLS, in the clear", "[query_proxy]") {
  const TemporaryFolder folder;
  query::WorkersOptions options = with_tls(TlsFiles(folder.path(), "ns1"));
  options.transport.proxy_from = {*parse_ip_prefix("127.7.0.0/16")};
  Running running(options);
  TlsPeer peer(tls_of(running), {.before = proxied("192.0.2.1"), .from = "127.7.1.1"});
  REQUIRE(peer.is_open());
  peer.send(framed(question(7)));
  CHECK(id_of(peer.receive_framed()) == 7);
  CHECK_FALSE(TlsPeer(tls_of(running), {.from = "127.7.1.1"}).is_open());
  CHECK(running.workers().counters().proxy_refused == 1);
}

}  // namespace
}  // namespace swingover::tests
