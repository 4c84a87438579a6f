#include "server/serving.h"

#include <algorithm>

#include "server/control/target.h"

namespace swingover::server {

ServingTable::ServingTable(std::shared_ptr<const zones::Snapshot> first, uint32_t workers)
    : workers_(workers),
      current_(query::Serving::make(std::move(first), workers)),
      published_(current_) {}

void ServingTable::publish(std::shared_ptr<const zones::Snapshot> next) {
  retired_.push_back(std::exchange(current_, query::Serving::make(std::move(next), workers_)));
  published_.publish(current_);
}

void ServingTable::reclaim(const Offload& offload) {
  published_.reclaim([&](std::shared_ptr<const query::Serving> old) {
    offload([old = std::move(old)]() mutable { old.reset(); }, [] {});
  });
  if (is_adding_) return;
  Servings over;
  for (const auto& serving : retired_) {
    // This one and the publisher's own: no worker counts in it any more.
    if (serving.use_count() <= 2) over.push_back(serving);
  }
  if (over.empty()) return;
  is_adding_ = true;
  // Until they are added each counts where it stands, so that no counter falls meanwhile.
  struct Work {
    std::shared_ptr<const Totals> past;
    Servings over;
    std::shared_ptr<const Totals> next{};
  };
  auto work = std::make_shared<Work>(Work{past_, std::move(over)});
  offload([work] { work->next = std::make_shared<const Totals>(sum(*work->past, work->over)); },
          [this, work, offload] {
            past_ = std::move(work->next);
            std::erase_if(retired_, [&](const auto& serving) {
              return std::ranges::find(work->over, serving) != work->over.end();
            });
            is_adding_ = false;
            // Both may be the last to hold theirs.
            offload(
                [past = std::exchange(work->past, nullptr),
                 over = std::exchange(work->over, {})]() mutable {
                  past.reset();
                  over.clear();
                },
                [] {});
          });
}

ServingTable::Totals ServingTable::sum(const Totals& past, const Servings& servings) {
  Totals totals = past;
  for (const auto& serving : servings) {
    for (const zones::Service& service : serving->snapshot->model->services) {
      const std::string name = control::service_text(service);
      for (const zones::Pool& pool : service.pools) {
        uint64_t& total = totals[{name, pool.cluster_name}];
        for (const auto& tally : serving->tallies) total += tally->answers(service.id, pool.id);
      }
    }
  }
  return totals;
}

std::function<std::vector<control::Traffic::Answers>()> ServingTable::answers() const {
  Servings servings = retired_;
  servings.push_back(current_);
  return [past = past_, servings = std::move(servings)] {
    std::vector<control::Traffic::Answers> answers;
    for (const auto& [key, count] : sum(*past, servings))
      answers.push_back({key.first, key.second, count});
    return answers;
  };
}

control::Traffic traffic(const query::QueryCounters& counters,
                         std::function<std::vector<control::Traffic::Answers>()> answers) {
  control::Traffic traffic;
  traffic.queries = counters.queries;
  traffic.types = counters.types;
  traffic.answers = std::move(answers);
  const auto drops = [&counters](zones::Drop drop) {
    return counters.dropped[static_cast<size_t>(drop)];
  };
  traffic.dropped = {{"too_short", drops(zones::Drop::too_short)},
                     {"is_response", drops(zones::Drop::is_response)},
                     {"no_room", drops(zones::Drop::no_room)},
                     {"rate_limit", drops(zones::Drop::rate_limit)},
                     {"queue_full", counters.queue_dropped},
                     {"send_failed", counters.send_failed},
                     {"tcp_shed", counters.tcp_shed},
                     {"tcp_client_limit", counters.tcp_shed_own},
                     {"proxy", counters.proxy_refused}};
  traffic.transfers = counters.transfers;
  traffic.truncated = counters.truncated;
  traffic.slipped = counters.slipped;
  traffic.proof_asked = counters.proof_asked;
  traffic.under_load = counters.under_load;
  traffic.tcp_accepted = counters.tcp_accepted;
  traffic.tcp_open = counters.tcp_open;
  traffic.tls_open = counters.tls_open;
  traffic.tls_handshakes = {{"full", counters.tls_full},
                            {"resumed", counters.tls_resumed},
                            {"failed", counters.tls_failed}};
  return traffic;
}

}  // namespace swingover::server
