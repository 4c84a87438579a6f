#include "zones/sign_ahead.h"

#include <algorithm>

#include "zones/protocol.h"
#include "zones/respond.h"

namespace swingover::zones {
namespace {

constexpr size_t message_max = 65'535;
// Picks of a service with several sets: enough for most to come by.
constexpr unsigned picks_max = 16;

}  // namespace

SignAhead::SignAhead(std::shared_ptr<const Snapshot> snapshot)
    : snapshot_(std::move(snapshot)), tally_(*snapshot_, 0), out_(message_max) {}

bool SignAhead::is_of_use(const Snapshot& snapshot) {
  return std::ranges::any_of(snapshot.zones.entries(), [](const ZoneTree::Entry& entry) {
    return entry.zone && entry.signing;
  });
}

bool SignAhead::advance(size_t names, uint32_t now_seconds) {
  now_seconds_ = now_seconds;
  const auto entries = snapshot_->zones.entries();
  for (size_t looked = 0; entry_ < entries.size(); ++entry_, place_ = 0) {
    const ZoneTree::Entry& entry = entries[entry_];
    if (!entry.zone || !entry.signing) continue;
    if (place_ == 0) sign_keys(entry);
    const size_t services = entry.services.size();
    for (; place_ < services + entry.zone->places(); ++place_) {
      const ZoneNode* const node =
          place_ < services ? nullptr : entry.zone->node_at(place_ - services);
      if (place_ >= services && !node) continue;
      if (looked++ == names) return true;
      node ? sign_node(entry, *node) : sign_service(entry.services[place_]);
    }
  }
  return false;
}

void SignAhead::sign_keys(const ZoneTree::Entry& entry) {
  for (const uint16_t rrtype : {type::dnskey, type::cds, type::cdnskey})
    ask(entry.apex.wire(), rrtype);
}

void SignAhead::sign_service(ServiceId id) {
  const ServicePlan& plan = snapshot_->plans[id.value];
  const Name& name = snapshot_->model->services[id.value].name;
  const unsigned picks = std::min(plan.endpoints(), picks_max);
  for (unsigned pick = 0; pick < picks; ++pick) ask(name.wire(), type::a);
  for (unsigned pick = 0; pick < (plan.is_all_v4() ? 1 : picks); ++pick)
    ask(name.wire(), type::aaaa);
}

void SignAhead::sign_node(const ZoneTree::Entry& entry, const ZoneNode& node) {
  const Zone& zone = *entry.zone;
  // What a delegation or a DNAME hides is no answer; at the cut itself it is the DS, or that there is none.
  const bool is_cut = node.blocked_by != 0 && &zone.node(node.blocked_by) == &node;
  if (node.blocked_by != 0 && !is_cut) return;
  const Bytes own = zone.own_name(node);
  name_.assign(own.begin(), own.end());
  name_.insert(name_.end(), entry.apex.wire().begin(), entry.apex.wire().end());
  if (is_cut) {
    ask(name_, type::ds);
    return;
  }
  for (unsigned i = 0; i < node.rrsets; ++i) ask(name_, zone.rrset(node, i).type);
}

void SignAhead::ask(Bytes name, uint16_t rrtype) {
  packet_.assign({0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1});
  packet_.insert(packet_.end(), name.begin(), name.end());
  const auto put = [this](unsigned value) {
    packet_.push_back(static_cast<uint8_t>(value >> 8));
    packet_.push_back(static_cast<uint8_t>(value));
  };
  put(rrtype);
  put(dns_class::in);
  packet_.push_back(0);  // the OPT: owner, type, size, then flags with DO, no options
  for (const unsigned word : {unsigned{type::opt}, 1232U, 0U, 0x8000U, 0U}) put(word);
  const Client client{
      .address = IpAddress::v4({127, 0, 0, 1}), .transport = Transport::tcp, .now = now_seconds_};
  respond(packet_, client, *snapshot_, tally_, out_);
}

}  // namespace swingover::zones
