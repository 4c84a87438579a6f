// The framing of streams, fed pieces of any size: what comes out must not depend on the cuts or the pauses, and
// what is kept must not outgrow what came. The PROXY header's parser gets the same octets.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "server/query/proxy_header.h"
#include "server/query/tcp_framing.h"

namespace {

using swingover::Bytes;
using swingover::query::TcpFraming;

void require(bool fact) {
  if (!fact) std::abort();
}

struct Result {
  std::vector<std::vector<uint8_t>> messages;
  bool is_dns = true;
};

/// All at once, by the definition: a length, as many octets, and so on.
Result by_definition(Bytes stream) {
  Result result;
  while (stream.size() >= 2) {
    const size_t size = size_t{stream[0]} << 8 | stream[1];
    if (size < TcpFraming::message_size_min) {
      result.is_dns = false;
      break;
    }
    if (stream.size() - 2 < size) break;
    const Bytes message = stream.subspan(2, size);
    result.messages.emplace_back(message.begin(), message.end());
    stream = stream.subspan(2 + size);
  }
  return result;
}

/// `cuts` gives the pieces' sizes and, by their lowest bits, where to pause.
Result by_pieces(Bytes stream, Bytes cuts) {
  Result result;
  TcpFraming framing;
  size_t cut = 0;
  bool pauses = false;
  const auto take = [&](Bytes message) {
    result.messages.emplace_back(message.begin(), message.end());
    return !pauses;
  };
  size_t fed = 0;
  size_t taken = 0;
  while (fed < stream.size()) {
    const uint8_t how = cuts.empty() ? uint8_t{255} : cuts[cut++ % cuts.size()];
    pauses = (how & 1) != 0;
    const size_t size = std::min<size_t>(1 + (size_t{how} * how >> 4), stream.size() - fed);
    TcpFraming::Outcome outcome = framing.feed(stream.subspan(fed, size), take);
    fed += size;
    while (outcome == TcpFraming::Outcome::paused) outcome = framing.resume(take);
    if (outcome == TcpFraming::Outcome::not_dns) {
      require(!framing.has_kept());
      result.is_dns = false;
      return result;
    }
    taken = 0;
    for (const auto& message : result.messages) taken += 2 + message.size();
    require(framing.kept_size() == fed - taken);
  }
  return result;
}

void parse_header(Bytes octets) {
  swingover::query::ProxyHeader header;
  const auto outcome = swingover::query::parse_proxy_header(octets, header);
  if (outcome == swingover::query::ProxyOutcome::fine) require(header.size <= octets.size());
  if (outcome == swingover::query::ProxyOutcome::incomplete) require(header.size > octets.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t cuts = std::min<size_t>(data[0] & 15, size - 1);
  const Bytes stream = Bytes(data, size).subspan(1 + cuts);
  const Result wanted = by_definition(stream);
  const Result got = by_pieces(stream, Bytes(data, size).subspan(1, cuts));
  require(got.messages == wanted.messages);
  require(got.is_dns == wanted.is_dns);
  parse_header(stream);
  return 0;
}
