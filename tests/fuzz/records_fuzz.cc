// What was stored by some version or damaged by a disk, and what people send to the admin address: read whole or refused,
// and what was read is written and read again as the same. The first octet of an input says what it is.

#include <cstdint>
#include <cstdlib>

#include "server/control/intents.h"
#include "server/control/records.h"
#include "server/control/share_text.h"
#include "server/control/state_records.h"
#include "server/control/target.h"
#include "server/control/views.h"
#include "store/journal.h"

namespace {

using namespace swingover;
using namespace swingover::control;

void demand(bool promise) {
  if (!promise) std::abort();
}

template <class Decode, class Encode>
void check_record(std::string_view bytes, Decode decode, Encode encode) {
  const auto record = decode(bytes);
  if (!record) {
    demand(!record.error().message.empty());
    return;
  }
  const std::string again = encode(*record);
  // One form of each record in each version; an old one is written anew as the newest.
  demand(again == bytes || bytes[0] < again[0]);
  const auto reread = decode(again);
  demand(reread && *reread == *record);
}

void check_target(std::string_view text) {
  const auto target = parse_target(text);
  if (!target) return;
  const auto again = parse_target(target->text());
  demand(again && *again == *target);
}

void check_intent(std::string_view body) {
  const auto request = parse_intent_request(body);
  if (!request) {
    demand(!request.error().message.empty());
    return;
  }
  Intents intents(1);
  const zones::Model nothing;
  const auto prepared = intents.prepare(*request, nothing, WallTime{});
  demand(!prepared);  // there is nothing that it could be about
}

void check_shares(std::string_view text) {
  zones::Service service;
  zones::Topology topology;
  for (const char* name : {"fra", "ams"}) {
    zones::Pool pool;
    pool.cluster_name = name;
    service.pools.push_back(pool);
    zones::Locality locality;
    locality.name = name;
    topology.localities.push_back(locality);
  }
  const auto shares = parse_share_text(text, service, topology);
  if (!shares) {
    demand(!shares.error().message.empty());
    return;
  }
  const auto again = parse_share_text(share_text(*shares, service, topology), service, topology);
  demand(again && *again == *shares);
}

void check_time(std::string_view text) {
  const WallTime now{1'800'000'000'000};
  for (const bool forward : {true, false}) {
    const auto when = parse_when(text, now, forward);
    if (!when) demand(!when.error().message.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 13) {
    case 0:
      check_record(bytes, decode_health, encode_health);
      break;
    case 1:
      check_record(bytes, decode_intent, encode_intent);
      break;
    case 2:
      check_record(bytes, decode_generation, encode_generation);
      break;
    case 3:
      check_record(bytes, decode_config, encode_config);
      break;
    case 4:
      check_record(bytes, store::decode_entry, store::encode_entry);
      break;
    case 5:
      check_target(bytes);
      break;
    case 6:
      check_intent(bytes);
      break;
    case 7:
      check_record(bytes, decode_steering, encode_steering);
      break;
    case 8:
      check_shares(bytes);
      break;
    case 9:
      check_time(bytes);
      break;
    case 10:
      check_record(bytes, decode_state, encode_state);
      break;
    case 11:
      check_record(bytes, decode_cycle, encode_cycle);
      break;
    default:
      check_record(bytes, decode_files, encode_files);
      break;
  }
  return 0;
}
