// What one answer costs without a socket: CPU time and instructions, by kind of answer and number of names.
//
//   respond_bench [NAMES] [SECONDS A KIND] [KIND]      (default 100000, 1 and all)
//
// Instructions are the kernel's count for user mode, where it gives one; under
// `valgrind --tool=callgrind` its own serves, with SECONDS 0 for a fixed number of queries.

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "zones/protocol.h"
#include "zones/respond.h"
#include "zones/zone_signing.h"

namespace {

using namespace swingover;
using namespace swingover::zones;

Name name_of(const std::string& text) {
  return *parse_name(text);
}

std::vector<uint8_t> wire_of(const std::string& name) {
  const Name parsed = name_of(name);
  return {parsed.wire().begin(), parsed.wire().end()};
}

ZoneRecord record(const std::string& owner, uint16_t type, std::vector<uint8_t> rdata) {
  return {.owner = name_of(owner), .type = type, .ttl = Ttl(300), .rdata = std::move(rdata)};
}

ZoneRecord address(const std::string& owner, uint32_t seed) {
  const uint32_t bits = seed * 4;
  return record(owner, type::a,
                {10, static_cast<uint8_t>(bits >> 16), static_cast<uint8_t>(bits >> 8),
                 static_cast<uint8_t>(bits)});
}

std::shared_ptr<const ZoneContents> contents(unsigned names) {
  std::vector<uint8_t> soa = wire_of("ns1.svc.example.com.");
  const std::vector<uint8_t> mailbox = wire_of("hostmaster.svc.example.com.");
  soa.insert(soa.end(), mailbox.begin(), mailbox.end());
  for (const uint8_t last : std::initializer_list<uint8_t>{1, 2, 3, 4, 60})
    soa.insert(soa.end(), {0, 0, 0, last});
  std::vector<ZoneRecord> out{
      record("svc.example.com.", type::ns, wire_of("ns1.svc.example.com.")),
      record("svc.example.com.", type::soa, soa),
      address("ns1.svc.example.com.", 1),
      address("*.wild.svc.example.com.", 2),
      record("alias.svc.example.com.", type::cname, wire_of("host7.svc.example.com.")),
      record("sub.svc.example.com.", type::ns, wire_of("ns1.sub.svc.example.com.")),
      record("sub.svc.example.com.", type::ns, wire_of("ns2.sub.svc.example.com.")),
      address("ns1.sub.svc.example.com.", 3),
      address("ns2.sub.svc.example.com.", 4)};
  for (unsigned i = 0; i < names; ++i)
    out.push_back(address("host" + std::to_string(i) + ".svc.example.com.", i));
  return ZoneContents::make(name_of("svc.example.com."), std::move(out));
}

Service service(const std::string& name, unsigned number, Policy policy, bool is_steered) {
  Service out;
  out.name = name_of(name);
  out.policy = policy;
  for (unsigned cluster = 0; cluster < 2; ++cluster) {
    Pool pool;
    pool.cluster = ClusterId(cluster);
    pool.cluster_name = cluster == 0 ? "fra" : "ams";
    if (is_steered) pool.capacity = 100;
    pool.priority = policy == Policy::failover ? cluster + 1 : 1;
    const auto low = static_cast<uint8_t>(number);
    const auto high = static_cast<uint8_t>(number >> 8);
    pool.endpoints = {
        {.address = IpAddress::v4({192, static_cast<uint8_t>(cluster), high, low}), .id = {}},
        {.address = IpAddress::v4({193, static_cast<uint8_t>(cluster), high, low}), .id = {}}};
    out.pools.push_back(std::move(pool));
  }
  return out;
}

std::shared_ptr<const ZoneSigning> signing(const Name& apex) {
  const auto key =
      dnssec::SigningKey::generate(dnssec::Algorithm::ecdsa_p256_sha256, dnssec::KeyRole::ksk);
  if (!key) std::abort();
  return ZoneSigning::make(
      apex, {.published = {*key}, .sign_keys = {*key}, .sign_zone = {*key}, .wanted_ds = {*key}},
      {});
}

std::shared_ptr<const Snapshot> snapshot(unsigned names, unsigned services) {
  auto model = std::make_shared<Model>();
  model->topology.regions = {"eu"};
  model->topology.clusters.resize(2);
  for (unsigned i = 0; i < 2; ++i) {
    model->topology.localities.push_back(
        {.name = std::to_string(i), .region = "eu", .clients = {}});
    for (unsigned network = 0; network < 500; ++network) {
      model->topology.localities[i].clients.push_back(
          {.address = IpAddress::v4({10, static_cast<uint8_t>(2 * (network & 127) + i),
                                     static_cast<uint8_t>(network >> 7), 0}),
           .length = 24});
    }
    model->topology.clusters[i].name = i == 0 ? "fra" : "ams";
    model->topology.clusters[i].localities = {LocalityId(i)};
  }
  const Name apex = name_of("svc.example.com.");
  model->zones = {{.apex = apex, .contents = contents(names), .signing = signing(apex)}};
  for (unsigned i = 0; i < services; ++i) {
    for (const auto& [prefix, policy, is_steered] :
         {std::tuple("failover", Policy::failover, false),
          std::tuple("active", Policy::active_active, false),
          std::tuple("local", Policy::local, false), std::tuple("shares", Policy::local, true)}) {
      model->services.push_back(
          service(prefix + std::to_string(i) + ".svc.example.com.", i, policy, is_steered));
    }
  }
  number(model->services);
  auto out = build_snapshot(std::move(model), {.pick_secret = 1});
  for (uint32_t i = 0; i < out->eligibility->size(); ++i)
    out->eligibility->set(EndpointId(i), Eligibility::eligible);
  for (uint32_t i = 3; i < out->plans.size(); i += 4) {
    for (size_t row = 0; row < out->shares->rows(); ++row)
      out->shares->set(ServiceId(i), row, std::array<uint16_t, 2>{6'364, 3'636});
  }
  return out;
}

std::vector<uint8_t> query(const std::string& name, uint16_t rrtype, bool dnssec_ok) {
  std::vector<uint8_t> out{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  const std::vector<uint8_t> wire = wire_of(name);
  out.insert(out.end(), wire.begin(), wire.end());
  const std::vector<uint8_t> rest{0,   static_cast<uint8_t>(rrtype),
                                  0,   1,
                                  0,   0,
                                  41,  4,
                                  208, 0,
                                  0,   static_cast<uint8_t>(dnssec_ok ? 0x80 : 0),
                                  0,   0,
                                  0};
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

/// The kernel's count of this thread's instructions in user mode; 0 where there is none to have.
class Instructions {
 public:
  Instructions() {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    descriptor_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
  }
  ~Instructions() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Instructions(const Instructions&) = delete;
  Instructions& operator=(const Instructions&) = delete;

  uint64_t now() const {
    uint64_t value = 0;
    return descriptor_ >= 0 && read(descriptor_, &value, sizeof value) == sizeof value ? value : 0;
  }

 private:
  int descriptor_;
};

/// CPU time of this thread: a busy machine does not spoil it as it does wall time.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Kind {
  const char* what;
  std::vector<std::vector<uint8_t>> packets;  // a power of two of them
};

std::vector<Kind> kinds(unsigned names, unsigned services) {
  constexpr unsigned packets = 1 << 14;
  Random random(1);
  bool dnssec_ok = false;
  const auto many = [&](const char* what, uint16_t rrtype, auto&& name) {
    Kind kind{.what = what, .packets = {}};
    for (unsigned i = 0; i < packets; ++i)
      kind.packets.push_back(query(name() + ".svc.example.com.", rrtype, dnssec_ok));
    return kind;
  };
  const auto numbered = [&random](std::string text, unsigned bound) {
    return text + std::to_string(random.below(bound));
  };
  std::vector<Kind> out;
  out.push_back(many("static, one name", type::a, [] { return std::string("host7"); }));
  out.push_back(many("static", type::a, [&] { return numbered("host", names); }));
  out.push_back(many("service failover", type::a, [&] { return numbered("failover", services); }));
  out.push_back(
      many("service active-active", type::a, [&] { return numbered("active", services); }));
  out.push_back(many("service local", type::a, [&] { return numbered("local", services); }));
  out.push_back(many("service shares", type::a, [&] { return numbered("shares", services); }));
  out.push_back(many("NODATA", type::aaaa, [&] { return numbered("host", names); }));
  out.push_back(many("NXDOMAIN", type::a, [&] { return numbered("nothing", 1U << 30); }));
  out.push_back(many("NXDOMAIN, 20 labels", type::a,
                     [&] { return numbered("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", 1U << 30); }));
  out.push_back(many("wildcard", type::a, [&] { return numbered("x", 1U << 30) + ".wild"; }));
  out.push_back(many("CNAME and target", type::a, [] { return std::string("alias"); }));
  out.push_back(many("referral", type::a, [&] { return numbered("x", 1U << 30) + ".sub"; }));
  // After the first round signatures come from the cache.
  dnssec_ok = true;
  out.push_back(many("signed: static, one name", type::a, [] { return std::string("host7"); }));
  out.push_back(many("signed: static", type::a, [&] { return numbered("host", names); }));
  out.push_back(
      many("signed: active-active", type::a, [&] { return numbered("active", services); }));
  out.push_back(many("signed: shares", type::a, [&] { return numbered("shares", services); }));
  out.push_back(many("signed: NODATA", type::aaaa, [&] { return numbered("host", names); }));
  out.push_back(many("signed: NXDOMAIN, known", type::a, [&] { return numbered("no", 1U << 30); }));
  return out;
}

void measure(const Kind& kind, const Snapshot& snapshot, double seconds,
             const Instructions& instructions) {
  WorkerTally tally(snapshot, 0);
  const Client client{.address = IpAddress::v4({10, 5, 0, 1}), .transport = Transport::udp};
  std::vector<uint8_t> out(snapshot.answering.udp_size_max);
  const size_t mask = kind.packets.size() - 1;
  size_t octets = 0;
  uint64_t queries = 0;
  const auto run = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      octets += respond(kind.packets[queries++ & mask], client, snapshot, tally, out).size;
  };
  if (seconds > 0) run(200'000);
  queries = octets = 0;
  const uint64_t instructions_before = instructions.now();
  const double start = cpu_seconds();
  do run(10'000);
  while (cpu_seconds() - start < seconds);
  const double spent = cpu_seconds() - start;
  const double each = static_cast<double>(queries);
  std::printf("%-25s %8.1f ns %8.1f instructions %6.1f octets\n", kind.what, spent * 1e9 / each,
              static_cast<double>(instructions.now() - instructions_before) / each,
              static_cast<double>(octets) / each);
}

}  // namespace

int main(int count, char** words) {
  const unsigned names = count > 1 ? static_cast<unsigned>(std::atoi(words[1])) : 100'000;
  const double seconds = count > 2 ? std::atof(words[2]) : 1.0;
  const unsigned services = std::max(1U, std::min(names / 10, 10'000U));
  const auto start = std::chrono::steady_clock::now();
  const auto served = snapshot(names, services);
  const Zone& zone = *served->zones.entries()[0].zone;
  std::printf("%zu names compiled in %.2f s, %.1f octets a name\n", zone.names(),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
              static_cast<double>(zone.memory_octets()) / static_cast<double>(zone.names()));
  const Instructions instructions;
  for (const Kind& kind : kinds(names, services)) {
    if (count > 3 && std::string_view(words[3]) != kind.what) continue;
    measure(kind, *served, seconds, instructions);
  }
  return 0;
}
