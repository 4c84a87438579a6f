#include "zones/zone_checks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "zones/protocol.h"
#include "zones/zone_file.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {
namespace {

using Owner = ZoneContents::Owner;

bool is_address(uint16_t type) {
  return type == type::a || type == type::aaaa;
}
// What a signer puts beside everything, a CNAME as well (RFC 4034 sections 3 and 4).
bool is_signers(uint16_t type) {
  return type == type::rrsig || type == type::nsec;
}
bool has_addresses(const Owner& owner) {
  return owner.find(type::a) || owner.find(type::aaaa);
}
bool is_cut(const Owner& owner) {
  return !owner.is_apex() && owner.find(type::ns);
}

std::string line_text(unsigned line) {
  return "line " + std::to_string(line);
}

bool answers_cname(const Pool& pool) {
  return std::ranges::any_of(pool.endpoints, [](const Endpoint& endpoint) {
    return std::holds_alternative<Name>(endpoint.address);
  });
}

class ZoneChecker {
 public:
  ZoneChecker(const ZoneContents& zone, std::span<const Position> places, bool complete,
              std::span<const Service> services, Diagnostics& diagnostics)
      : zone_(zone),
        places_(places),
        complete_(complete),
        services_(services),
        diagnostics_(diagnostics) {}

  void check() {
    check_apex();
    for (const Owner owner : zone_.owners()) check_owner(owner);
  }

 private:
  // One set, and where its records stand: places[i] is that of rdatas[i].
  struct PlacedSet {
    Rrset set;
    std::span<const Position> places;
    Position first() const { return *std::ranges::min_element(places); }
  };

  void check_apex();
  void check_owner(const Owner& owner);
  void check_cname(const Owner& owner, std::span<const PlacedSet> sets);
  void check_alone(const PlacedSet& set, const std::string& what, const std::string& why);
  void check_below(const Owner& owner, std::span<const PlacedSet> sets);
  void check_cut(std::span<const PlacedSet> sets);
  void check_targets(const Owner& owner, const PlacedSet& set, size_t name_at);
  void check_name_server(const Name& target, const Owner& owner, Position at);
  bool has_wildcard_address(const Name& name) const;
  std::optional<Owner> cut_above(const Name& name) const;

  const ZoneContents& zone_;
  std::span<const Position> places_;  // of the owners not yet checked
  const bool complete_;
  const std::span<const Service> services_;
  Diagnostics& diagnostics_;
  // The nearest owners in front whose names hide what is below them.
  std::optional<Owner> cut_;
  std::optional<Owner> dname_;
  std::vector<PlacedSet> sets_;  // of the owner being checked
};

void ZoneChecker::check_apex() {
  if (!complete_) return;
  const std::optional<Owner> apex = zone_.find(zone_.apex());
  if (!apex || !apex->find(type::soa)) {
    diagnostics_.error({}, "the zone has no SOA record at its apex " + zone_.apex().text());
  }
  if (!apex || !apex->find(type::ns)) {
    diagnostics_.error({}, "the zone has no NS record at its apex " + zone_.apex().text());
  }
}

void ZoneChecker::check_owner(const Owner& owner) {
  sets_.clear();
  for (const Rrset set : owner.rrsets()) {
    sets_.push_back({set, places_.first(set.rdatas.size())});
    places_ = places_.subspan(set.rdatas.size());
  }
  const std::span<const PlacedSet> sets(sets_);
  if (cut_ && !owner.name().is_at_or_below(cut_->name())) cut_.reset();
  if (dname_ && !owner.name().is_at_or_below(dname_->name())) dname_.reset();
  check_below(owner, sets);
  check_cname(owner, sets);
  const bool at_apex = owner.is_apex();
  for (const PlacedSet& set : sets) {
    switch (set.set.type) {
      case type::soa:
        if (!at_apex)
          diagnostics_.error(set.first(),
                             "an SOA record stands at the apex, " + zone_.apex().text());
        check_alone(set, "SOA record", "a zone has one");
        break;
      case type::dname:
        check_alone(set, "DNAME record at this name", "there can be one (RFC 6672 section 2.4)");
        break;
      case type::ds:
        if (at_apex) {
          diagnostics_.error(set.first(), "a DS record at the apex belongs into the parent zone");
        } else if (complete_ && !owner.find(type::ns)) {
          diagnostics_.error(set.first(), "a DS record without NS records: it signs a delegation");
        }
        break;
      case type::ns:
        if (owner.name().is_wildcard() && !at_apex) {
          diagnostics_.error(
              set.first(),
              "a wildcard delegates nothing: the names that it stands for would have no "
              "answer (RFC 4592 section 4.2)");
        }
        [[fallthrough]];
      case type::cname:
        check_targets(owner, set, 0);
        break;
      case type::mx:
        check_targets(owner, set, 2);
        break;
      case type::srv:
        check_targets(owner, set, 6);
        break;
      default:
        break;
    }
  }
  if (!cut_ && is_cut(owner)) {
    cut_ = owner;
    check_cut(sets);
  }
  if (!dname_ && owner.find(type::dname)) dname_ = owner;
}

// More than one record in a set of one: each but the file's first is pointed at.
void ZoneChecker::check_alone(const PlacedSet& set, const std::string& what,
                              const std::string& why) {
  for (const Position& at : set.places) {
    if (at == set.first()) continue;
    diagnostics_.error(
        at, "a second " + what + ", the first is on " + line_text(set.first().line) + ": " + why);
  }
}

void ZoneChecker::check_cname(const Owner& owner, std::span<const PlacedSet> sets) {
  const std::optional<Rrset> cname = owner.find(type::cname);
  if (!cname) return;
  for (const PlacedSet& set : sets) {
    if (set.set.type == type::cname) {
      check_alone(set, "CNAME record at this name", "there can be one (RFC 2181 section 10.1)");
    } else if (!is_signers(set.set.type)) {
      diagnostics_.error(set.first(),
                         "the " + type_text(set.set.type) + " record stands beside the CNAME of " +
                             line_text(cname->line) +
                             ": a name with a CNAME has no other data (RFC 1034 section 3.6.2)");
    }
  }
}

// Data that nobody could be given, because a delegation or a DNAME above answers first.
void ZoneChecker::check_below(const Owner& owner, std::span<const PlacedSet> sets) {
  if (dname_) {
    diagnostics_.error(sets[0].first(), owner.name().text() + " is below the DNAME of " +
                                            line_text(dname_->find(type::dname)->line) +
                                            ", which redirects it (RFC 6672 section 2.4)");
  }
  if (!cut_) return;
  for (const PlacedSet& set : sets) {
    if (is_address(set.set.type)) continue;
    diagnostics_.error(set.first(), owner.name().text() + " is below the delegation of " +
                                        line_text(cut_->find(type::ns)->line) +
                                        ": only addresses of its name servers may stand there");
  }
}

void ZoneChecker::check_cut(std::span<const PlacedSet> sets) {
  const unsigned line = cut_->find(type::ns)->line;
  for (const PlacedSet& set : sets) {
    const uint16_t type = set.set.type;
    if (type == type::ns || type == type::ds || is_signers(type) || is_address(type)) continue;
    if (type == type::cname || type == type::soa) continue;  // reported as such
    diagnostics_.error(set.first(), "the " + type_text(type) +
                                        " record stands beside the delegation of " +
                                        line_text(line) + ": it belongs into the delegated zone");
  }
}

void ZoneChecker::check_targets(const Owner& owner, const PlacedSet& set, size_t name_at) {
  auto place = set.places.begin();
  for (const Bytes rdata : set.set.rdatas) {
    const Position at = *place++;
    const auto target = Name::from_wire(rdata.subspan(name_at));
    if (!target || !target->is_at_or_below(zone_.apex())) continue;
    if (set.set.type == type::cname) {
      if (*target == owner.name()) diagnostics_.error(at, "the CNAME points at itself");
      continue;
    }
    const std::optional<Owner> found = zone_.find(*target);
    const std::optional<Rrset> cname = found ? found->find(type::cname) : std::nullopt;
    if (cname) {
      const std::string message = type_text(set.set.type) + " points at " + target->text() +
                                  ", which is a CNAME (" + line_text(cname->line) +
                                  "): it must be a name with addresses (RFC 2181 section 10.3)";
      if (set.set.type == type::ns) {
        diagnostics_.error(at, message);
      } else {
        diagnostics_.warning(at, message);
      }
    } else if (set.set.type == type::ns && complete_) {
      check_name_server(*target, owner, at);
    }
  }
}

// A name server inside the zone needs an address that resolvers can be given.
void ZoneChecker::check_name_server(const Name& target, const Owner& owner, Position at) {
  const std::optional<Owner> found = zone_.find(target);
  if (found && has_addresses(*found)) return;
  const auto service = std::ranges::find(services_, target, &Service::name);
  if (service != services_.end()) {
    if (std::ranges::none_of(service->pools, answers_cname)) return;
    diagnostics_.error(at, "the name server " + target.text() +
                               " is a service that answers a CNAME: it must be a name with "
                               "addresses (RFC 2181 section 10.3)");
    return;
  }
  // Below another delegation its addresses are that zone's to give.
  const std::optional<Owner> cut = cut_above(target);
  if (cut && !(cut->name() == owner.name())) return;
  if (!found && !cut && has_wildcard_address(target)) return;
  diagnostics_.error(at, "the name server " + target.text() +
                             " is inside the zone and has no address: add its A or AAAA record");
}

std::optional<Owner> ZoneChecker::cut_above(const Name& name) const {
  for (Name at = name; !(at == zone_.apex()); at = at.parent()) {
    const std::optional<Owner> owner = zone_.find(at);
    if (owner && is_cut(*owner)) return owner;
  }
  return std::nullopt;
}

// RFC 4592: only the wildcard at the closest name that exists counts.
bool ZoneChecker::has_wildcard_address(const Name& name) const {
  if (zone_.has_at_or_below(name)) return false;
  Name encloser = name.parent();
  while (!(encloser == zone_.apex()) && !zone_.has_at_or_below(encloser))
    encloser = encloser.parent();
  const auto wildcard = Name::child("*", encloser);
  const std::optional<Owner> found = wildcard ? zone_.find(*wildcard) : std::nullopt;
  return found && has_addresses(*found);
}

// One name that a service answers: its own, or CLUSTER.on.SERVICE.
class ServiceChecker {
 public:
  ServiceChecker(const ZoneContents& zone, const Service& service, Diagnostics& diagnostics)
      : zone_(zone), service_(service), diagnostics_(diagnostics) {
    for (const Pool& pool : service.pools) (answers_cname(pool) ? any_cname_ : any_address_) = true;
  }

  void check() {
    check_name(service_.name, any_cname_, any_address_);
    const auto on = Name::child("on", service_.name);
    if (!on) return;  // so long that it has no such names
    on_ = *on;
    for (const Pool& pool : service_.pools) {
      const auto name = Name::child(pool.cluster_name, *on);
      if (name) check_name(*name, answers_cname(pool), !answers_cname(pool));
    }
  }

 private:
  void check_name(const Name& name, bool answers_cname, bool answers_address) {
    if (const std::optional<Owner> owner = zone_.find(name)) {
      for (const Rrset set : owner->rrsets()) check_set(name, set, answers_cname, answers_address);
    }
    // What stands above the service's own name is said once, of that name.
    const Name& top = name == service_.name ? zone_.apex() : on_;
    for (Name at = name; !(at == top);) {
      at = at.parent();
      const std::optional<Owner> owner = zone_.find(at);
      if (!owner) continue;
      if (const std::optional<Rrset> dname = owner->find(type::dname)) {
        error(*dname, "the DNAME at " + at.text() + " redirects " + whose(name) +
                          " below it: remove one of them");
      }
      if (const std::optional<Rrset> ns = owner->find(type::ns); ns && is_cut(*owner)) {
        error(*ns, "the delegation of " + at.text() + " hides " + whose(name) +
                       " below it: remove one of them");
      }
    }
  }

  void check_set(const Name& name, const Rrset& set, bool answers_cname, bool answers_address) {
    const std::string type = type_text(set.type);
    if (set.type == type::cname) {
      error(set, "this CNAME stands at " + whose(name) + ": remove the record or the service");
    } else if (set.type == type::ns && !(name == zone_.apex())) {
      error(set, "this delegation stands at " + whose(name) + ": remove the record or the service");
    } else if (set.type == type::dname && name == service_.name) {
      error(set, "this DNAME would redirect the names CLUSTER.on." + name.text() +
                     " of the service " + service_.name.text() +
                     ": remove the record or the service");
    } else if (answers_address && is_address(set.type)) {
      error(set, "A and AAAA at this name are answered by " + whose(name) + ": remove this " +
                     type + " record, or the service");
    } else if (answers_cname && !is_signers(set.type)) {
      error(set, whose(name) +
                     " answers a CNAME, and a name with a CNAME has no other data: remove this " +
                     type + " record, or give the service addresses");
    }
  }

  std::string whose(const Name& name) const {
    const std::string service = "the service " + service_.name.text();
    return name == service_.name ? service : service + " (as " + name.text() + ")";
  }
  void error(const Rrset& set, std::string message) {
    diagnostics_.error({set.line, 1}, std::move(message));
  }

  const ZoneContents& zone_;
  const Service& service_;
  Diagnostics& diagnostics_;
  bool any_cname_ = false;
  bool any_address_ = false;
  Name on_;  // on.SERVICE
};

}  // namespace

void check_zone(const ZoneContents& zone, std::span<const Position> places, bool complete,
                std::span<const Service> services, Diagnostics& diagnostics) {
  ZoneChecker(zone, places, complete, services, diagnostics).check();
}

void check_services(const ZoneContents& zone, std::span<const Service> services,
                    Diagnostics& diagnostics) {
  for (const Service& service : services) {
    if (service.name.is_at_or_below(zone.apex()))
      ServiceChecker(zone, service, diagnostics).check();
  }
}

void check_unsigned(const ZoneContents& zone, Diagnostics& diagnostics) {
  constexpr uint16_t nsec3 = 50;
  constexpr uint16_t nsec3param = 51;
  constexpr std::array made_here{type::dnskey, type::cds, type::cdnskey, type::rrsig,
                                 type::nsec,   nsec3,     nsec3param};
  for (const Owner owner : zone.owners()) {
    for (const Rrset set : owner.rrsets()) {
      if (std::ranges::count(made_here, set.type) == 0) continue;
      diagnostics.error({set.line, 1},
                        "[zone.dnssec] has this server sign the zone, with keys and records of its "
                        "own: remove the " +
                            type_text(set.type) + " records at " + owner.name().text());
    }
  }
}

}  // namespace swingover::zones
