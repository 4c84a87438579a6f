#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "server/control/control_loop.h"
#include "server/control/target.h"
#include "store/journal.h"

namespace swingover::tests {

/// What somebody knows who has the journal alone: who is what, held, kept, and decided by whom.
///
/// Chain    An entry says what was before: it must be what the entries before it said.
/// Compare  What the journal tells, and the answers that follow from it, must be what is so.
class Replay {
 public:
  /// What cannot be read from the journal: what was known when it began, or of another configuration after a restart.
  void begin(const control::Control& control) {
    health_.clear();
    hold_.clear();
    for_each_target(control, [this](const std::string& target, const auto& state) {
      set(health_, target, std::string(word(state.health)));
      if constexpr (requires { state.usable; }) {
        set(hold_, target, hold_text(state));
        // What is kept itself goes on over a restart, and its end is told; with its cluster it follows from that.
        if (state.kept == control::KeptBy::nobody)
          set(kept_, target, std::string(word(state.kept_with)));
      }
    });
  }

  /// What has been stored since it was last called.
  void read(const store::Store& store) {
    std::vector<std::string> stored;
    const auto visit = [&](std::string_view key, std::string_view value) {
      read_to_ = std::string(key) + '\0';
      stored.emplace_back(value);
      return true;
    };
    REQUIRE(store.scan(store::Table::journal, std::string(read_to_), "",
                       store::Direction::ascending, visit));
    for (const std::string& bytes : stored) {
      const auto entry = store::decode_entry(bytes);
      REQUIRE(entry);
      apply(*entry);
    }
  }

  void compare(const control::Control& control) {
    forget_unconfigured(control);
    for_each_target(control, [this](const std::string& target, const auto& state) {
      INFO(target << ", as the journal tells");
      REQUIRE(at(health_, target, "unknown") == word(state.health));
      REQUIRE(at(kept_, target, "") == word(keeper(state)));
      if constexpr (requires { state.usable; }) REQUIRE(at(hold_, target, "") == hold_text(state));
    });
    for (const zones::Service& service : control.setup().model->services) {
      for (const zones::Pool& pool : service.pools) {
        for (const zones::Endpoint& endpoint : pool.endpoints) {
          INFO(control::endpoint_target(service, endpoint) << ", as the journal tells");
          const zones::Eligibility is = control.join().endpoint(endpoint.id).eligibility;
          REQUIRE(static_cast<int>(is) == static_cast<int>(eligibility(service, pool, endpoint)));
        }
      }
    }
    REQUIRE(intents_.size() == control.intents().size());
    for (const control::Intent* intent : control.intents().list())
      REQUIRE(at(intents_, intent->target, "") == word(intent->kind));
    REQUIRE(is_engaged_ == control.brake().is_engaged());
    REQUIRE(is_in_doubt_ == control.self_doubt().is_in_doubt());
  }

 private:
  using Words = std::map<std::string, std::string>;  // by target

  static void set(Words& words, const std::string& target, const std::string& to) {
    words[target] = to;
  }
  static std::string at(const Words& words, const std::string& target, const char* otherwise) {
    const auto found = words.find(target);
    return found == words.end() ? otherwise : found->second;
  }

  static control::KeptBy keeper(const control::Join::ClusterState& state) { return state.kept; }
  static control::KeptBy keeper(const control::Join::EndpointState& state) {
    return state.keeper();
  }
  static std::string hold_text(const control::Join::EndpointState& state) {
    const bool is_kept = state.keeper() != control::KeptBy::nobody;
    if (state.usable == (is_kept ? health::Health::up : state.health)) return "";
    return state.usable == health::Health::down ? "held out" : "held";
  }

  template <class Visit>
  static void for_each_target(const control::Control& control, Visit visit) {
    const zones::Model& model = *control.setup().model;
    for (uint32_t i = 0; i < model.topology.clusters.size(); ++i) {
      visit(control::cluster_target(model.topology.clusters[i].name),
            control.join().cluster(ClusterId(i)));
    }
    for (uint32_t i = 0; i < control.join().endpoint_count(); ++i) {
      const EndpointId id(i);
      visit(control::endpoint_target(control.join().service_of(id), control.join().endpoint_of(id)),
            control.join().endpoint(id));
    }
  }

  void apply(const store::JournalEntry& entry) {
    INFO(entry.kind << " of " << entry.target << ": from \"" << entry.before << "\" to \""
                    << entry.after << "\", " << entry.reason);
    const auto follow = [&](Words& words, const char* otherwise) {
      REQUIRE(at(words, entry.target, otherwise) == entry.before);
      REQUIRE(entry.before != entry.after);
      words[entry.target] = entry.after;
    };
    if (entry.kind == "health") {
      // What a pool was when the daemon started nobody asks: its endpoints say.
      if (!entry.target.starts_with("pool/")) follow(health_, "unknown");
    } else if (entry.kind == "hold") {
      follow(hold_, "");
    } else if (entry.kind == "kept") {
      follow(kept_, "");
    } else if (entry.kind == "intent") {
      if (entry.after == "cancelled" || entry.after == "expired") {
        REQUIRE(intents_.erase(entry.target) == 1);
      } else {
        intents_[entry.target] = entry.after.substr(0, entry.after.find(' '));
      }
    } else if (entry.kind == "brake") {
      REQUIRE(entry.before == (is_engaged_ ? "engaged" : "free"));
      is_engaged_ = entry.after == "engaged";
    } else if (entry.kind == "self_doubt") {
      REQUIRE(entry.before == (is_in_doubt_ ? "in doubt" : "sure"));
      is_in_doubt_ = entry.after == "in doubt";
    } else if (entry.kind == "start") {
      // Doubt goes on for what it keeps.
      is_in_doubt_ = std::ranges::any_of(kept_, [](const auto& k) { return k.second == "doubt"; });
    }
  }

  /// What is no longer configured has no state to tell of, and none if it comes back.
  void forget_unconfigured(const control::Control& control) {
    std::set<std::string> configured;
    for_each_target(control,
                    [&](const std::string& target, const auto&) { configured.insert(target); });
    for (Words* words : {&health_, &hold_, &kept_})
      std::erase_if(*words, [&](const auto& known) { return !configured.contains(known.first); });
  }

  zones::Eligibility eligibility(const zones::Service& service, const zones::Pool& pool,
                                 const zones::Endpoint& endpoint) const {
    const std::string target = control::endpoint_target(service, endpoint);
    std::string force;
    for (const std::string& covering :
         {target, control::pool_target(service, pool), control::service_target(service),
          control::cluster_target(pool.cluster_name)}) {
      const std::string kind = at(intents_, covering, "");
      if (kind == "drain") return zones::Eligibility::excluded;
      if (force.empty()) force = kind;
    }
    if (force == "force_up") return zones::Eligibility::eligible;
    if (force == "force_down") return zones::Eligibility::down;
    const std::string held = at(hold_, target, "");
    const std::string health = held == "held out"               ? "down"
                               : held == "held"                 ? "unknown"
                               : !at(kept_, target, "").empty() ? "up"
                                                                : at(health_, target, "unknown");
    return health == "up"     ? zones::Eligibility::eligible
           : health == "down" ? zones::Eligibility::down
                              : zones::Eligibility::unknown;
  }

  std::string read_to_;  // the key from which on entries are new
  Words health_;
  Words hold_;
  Words kept_;
  Words intents_;
  bool is_engaged_ = false;
  bool is_in_doubt_ = false;
};

}  // namespace swingover::tests
