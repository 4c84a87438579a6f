#pragma once

#include <string>
#include <vector>

#include "server/control/intents.h"
#include "zones/explain.h"

namespace swingover::control {

/// What is in force on the service, its pools and endpoints, their clusters, and on everything. O(its endpoints), however
/// many intents there are.
std::vector<const Intent*> intents_on(const Intents& intents, const zones::Service& service);

/// "drain of cluster/fra"; "weight 50 of pool/shop.svc.example.com./fra".
std::string what_words(const Intent& intent);
/// "by ada: rack work; moving, 25 %; until 2026-11-22T10:15:00.000Z": whose, why, how far, until when.
std::string words_of(const Intent& intent);

/// The same as a step of an explanation.
zones::Explanation::Step step_of(const Intent& intent);

}  // namespace swingover::control
