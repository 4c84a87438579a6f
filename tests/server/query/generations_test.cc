#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <map>
#include <thread>

#include "tests/server/query/query_fixture.h"

namespace swingover::tests {
namespace {

using namespace std::chrono_literals;

/// 10.0.0.0 and the generation in the lower three octets.
std::string address_of(uint32_t generation) {
  return "10." + std::to_string(generation >> 16 & 0xff) + "." +
         std::to_string(generation >> 8 & 0xff) + "." + std::to_string(generation & 0xff);
}

/// Two zones and a service whose every record has the generation as its TTL, and in its data.
zones::Model model_of(uint32_t generation) {
  const std::string number = std::to_string(generation);
  const auto zone = [&](std::string_view apex, const std::vector<std::string>& records) {
    std::string text;
    for (const std::string& record : records) {
      const size_t blank = record.find(' ');
      text += record.substr(0, blank) + " " + number + " IN" + record.substr(blank) + "\n";
    }
    return zone_source(apex, text);
  };
  const std::string address = " A " + address_of(generation);
  zones::Model model;
  model.topology = two_clusters();
  model.zones = {
      zone("example.",
           {"@ SOA ns h " + number + " 2 3 4 " + number, "@ NS ns", "ns" + address, "www MX 1 ns",
            "www MX 2 mail", "www MX 3 shop", "mail" + address, "alias CNAME far.other.test.",
            "*.wild CNAME alias", "sub NS ns.sub", "ns.sub" + address, "d DNAME other.test."}),
      zone("other.test.", {"@ SOA ns h " + number + " 2 3 4 " + number, "@ NS ns", "ns" + address,
                           "far" + address})};
  model.services = {service_of("shop.example.", {pool_of("fra", {address_of(generation)})})};
  model.services[0].ttl = Ttl(generation);
  return model;
}

struct Question {
  std::string_view name;
  uint16_t type;
  size_t records;  // in all sections
};
constexpr std::array<Question, 8> questions{{
    {"www.example.", 15, 6},     // MX, and the addresses of a host and a service
    {"alias.example.", 1, 2},    // into the other zone
    {"a.wild.example.", 1, 3},   // by two steps
    {"far.d.example.", 1, 3},    // DNAME, its CNAME, the address
    {"shop.example.", 1, 1},     // a service
    {"x.sub.example.", 1, 2},    // a referral with glue
    {"nothing.example.", 1, 1},  // NXDOMAIN with its SOA
    {"alias.example.", 28, 2},   // CNAME, then NODATA with the other zone's SOA
}};

/// The generation that all records of an answer agree on; 0 when they do not, or are not as many.
uint32_t generation_of(const Octets& answer, const Question& question) {
  const PacketText text = packet_text(answer);
  std::vector<std::string> records = text.answer;
  records.insert(records.end(), text.authority.begin(), text.authority.end());
  records.insert(records.end(), text.additional.begin(), text.additional.end());
  if (records.size() != question.records) return 0;
  std::vector<std::string> numbers;
  for (const std::string& record : records) {
    const size_t ttl = record.find(' ') + 1;
    numbers.push_back(record.substr(ttl, record.find(' ', ttl) - ttl));
    const auto generation = static_cast<uint32_t>(std::stoul(numbers.back()));
    if (numbers.back() != numbers.front()) return 0;
    const bool is_address = record.find(" IN A ") != std::string::npos;
    if (is_address && !record.ends_with(" " + address_of(generation))) return 0;
    const bool is_soa = record.find(" IN SOA ") != std::string::npos;
    if (is_soa && record.find(" " + numbers.back() + " 2 3 4 ") == std::string::npos) return 0;
  }
  return static_cast<uint32_t>(std::stoul(numbers.front()));
}

/// Publishes generation after generation, and keeps what the tallies of those that are gone had counted.
class Storm {
 public:
  explicit Storm(uint32_t workers) : workers_(workers), published_(make()) {}

  const Published<query::Serving>& published() const { return published_; }
  uint32_t generation() const { return generation_; }

  void publish() {
    published_.publish(make());
    std::erase_if(kept_, [this](const auto& serving) {
      // Two are ours, and the publisher's until it reclaims: no worker counts in it any more.
      if (serving == kept_.back() || serving.use_count() > 2) return false;
      past_ += answers_of(*serving);
      return true;
    });
    published_.reclaim();
  }
  /// What happens between reloads: health moves.
  void flip(bool up) {
    kept_.back()->snapshot->eligibility->set(
        EndpointId(0), up ? zones::Eligibility::eligible : zones::Eligibility::down);
  }
  uint64_t service_answers() const {
    uint64_t sum = past_;
    for (const auto& serving : kept_) sum += answers_of(*serving);
    return sum;
  }
  size_t generations_kept() const { return kept_.size(); }

 private:
  std::shared_ptr<const query::Serving> make() {
    ++generation_;
    auto model = model_of(generation_);
    zones::number(model.services);
    zones::Answering answering;
    answering.limits.responses_per_second = generation_ % 2 == 0 ? 1'000'000 : 0;
    previous_ = zones::build_snapshot(
        std::make_shared<const zones::Model>(std::move(model)),
        {.generation = generation_, .pick_secret = 7, .answering = answering}, previous_.get());
    previous_->eligibility->set(EndpointId(0), zones::Eligibility::eligible);
    kept_.push_back(query::Serving::make(previous_, workers_));
    return kept_.back();
  }
  static uint64_t answers_of(const query::Serving& serving) {
    uint64_t sum = 0;
    for (const auto& tally : serving.tallies) sum += tally->answers(ServiceId(0), PoolId(0));
    return sum;
  }

  uint32_t workers_;
  uint32_t generation_ = 1000;
  std::shared_ptr<const zones::Snapshot> previous_;
  std::vector<std::shared_ptr<const query::Serving>> kept_;
  uint64_t past_ = 0;
  Published<query::Serving> published_;
};

struct Told {
  std::atomic<uint64_t> asked{0};
  std::atomic<uint64_t> torn{0};       // no answer, or records of more than one generation
  std::atomic<uint64_t> backwards{0};  // an older generation than the same worker gave before
  std::atomic<uint64_t> of_service{0};
};

/// Asks question after question by one port, so of one worker, until told to stop.
void ask_on(bool by_tcp, const SocketAddress& server, const std::atomic<bool>& done, Told& told) {
  Peer peer = by_tcp ? Peer::tcp(server) : Peer::udp(server);
  uint32_t newest = 0;
  for (uint16_t id = 1; !done; ++id) {
    const Question& asked = questions[id % questions.size()];
    const Octets packet = question(asked.name, asked.type, id);
    peer.send(by_tcp ? framed(packet) : packet);
    const Octets answer = by_tcp ? peer.receive_framed() : peer.receive();
    const uint32_t generation = id_of(answer) == id ? generation_of(answer, asked) : 0;
    ++told.asked;
    if (generation == 0) ++told.torn;
    if (generation != 0 && generation < newest) ++told.backwards;
    if (asked.name == "shop.example.") ++told.of_service;
    newest = std::max(newest, generation);
  }
}

TEST_CASE("in a storm of reloads no answer is of two generations, and every count adds up",
          "[generations]") {
  constexpr uint32_t workers_count = 2;
  Storm storm(workers_count);
  auto workers = query::Workers::start(
      {.listen = {*parse_socket_address("127.9.8.7:0")}, .workers = workers_count},
      storm.published());
  REQUIRE(workers);
  std::atomic<bool> done{false};
  std::array<Told, 2> told;  // UDP, TCP
  std::vector<std::thread> clients;
  for (size_t i = 0; i < 6; ++i) {
    const bool by_tcp = i % 2 == 1;
    clients.emplace_back([&, by_tcp] {
      ask_on(by_tcp, (*workers)->udp_addresses().at(0), done, told[by_tcp ? 1 : 0]);
    });
  }
  const auto enough = [&] {
    return storm.generation() >= 1400 && told[0].asked > 2000 && told[1].asked > 2000;
  };
  const auto deadline = std::chrono::steady_clock::now() + 90s;
  while (!enough() && std::chrono::steady_clock::now() < deadline) {
    storm.publish();
    storm.flip(false);
    std::this_thread::sleep_for(1ms);
    storm.flip(true);
    std::this_thread::sleep_for(1ms);
  }
  done = true;
  for (std::thread& client : clients) client.join();
  const query::QueryCounters counters = (*workers)->counters();
  (*workers)->stop(Milliseconds(1000));
  REQUIRE(enough());

  uint64_t service_answers = 0;
  for (size_t transport = 0; transport < told.size(); ++transport) {
    CHECK(told[transport].torn == 0);
    CHECK(told[transport].backwards == 0);
    uint64_t counted = 0;
    for (const uint64_t count : counters.queries[transport]) counted += count;
    CHECK(counted == told[transport].asked);
    service_answers += told[transport].of_service;
  }
  CHECK(counters.types[1] + counters.types[15] + counters.types[28] ==
        told[0].asked + told[1].asked);
  CHECK(storm.service_answers() == service_answers);
  workers->reset();
  storm.publish();
  CHECK(storm.generations_kept() == 1);
}

}  // namespace
}  // namespace swingover::tests
