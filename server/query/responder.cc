#include "server/query/responder.h"

#include <algorithm>

namespace swingover::query {

void Responder::count(const zones::Outcome& outcome, zones::Transport transport) {
  if (outcome.size == 0) {
    counters_.dropped[static_cast<size_t>(outcome.drop)].add();
    return;
  }
  auto& by_rcode = counters_.queries[static_cast<size_t>(transport)];
  by_rcode[std::min<size_t>(outcome.rcode, by_rcode.size() - 1)].add();
  counters_.types[std::min<size_t>(outcome.qtype, counters_.types.size() - 1)].add();
  if (outcome.truncated) counters_.truncated.add();
}

void WorkerCounters::add_to(QueryCounters& sum) const {
  for (size_t transport = 0; transport < queries.size(); ++transport) {
    for (size_t rcode = 0; rcode < queries[transport].size(); ++rcode) {
      sum.queries[transport][rcode] += queries[transport][rcode].value();
    }
  }
  for (size_t type = 0; type < types.size(); ++type) sum.types[type] += types[type].value();
  for (size_t drop = 0; drop < dropped.size(); ++drop) sum.dropped[drop] += dropped[drop].value();
  sum.send_failed += send_failed.value();
  sum.truncated += truncated.value();
  sum.tcp_accepted += tcp_accepted.value();
  sum.tcp_open += tcp_open.value();
  sum.tcp_shed += tcp_shed.value();
}

}  // namespace swingover::query
