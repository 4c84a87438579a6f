#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "zones/steering/allocation.h"

namespace swingover::steering {

/// A cluster that gives up so many parts of 10,000 of its load to whoever is best: of all localities, or of some.
struct Leaving {
  uint32_t cluster = 0;
  std::vector<uint32_t> localities;  // none: all
  uint16_t moved = 0;
};

/// One of the problems that a leaving is mixed from, and with which weight; the weights add up to share_parts.
struct LeavingPart {
  Problem problem;
  uint16_t weight = 0;
};

/// What leaving in steps goes by: the problem as it is for those parts that stay, the one without those who leave
/// for those that go. With several that have left by different parts, who has left most is missing in most of them.
/// The first is the problem itself; one alone where nobody leaves. Pure. Cost: a copy of the problem for each.
std::vector<LeavingPart> leaving_parts(const Problem& problem, std::span<const Leaving> leaving);

/// The allocations of those parts (`allocations`, in their order), mixed. Since it is a mean of them:
/// - who leaves has (10,000 − moved) / 10,000 of what he would have, whatever the policy and however full all are;
/// - nobody is fuller than in the fullest of them, so that each step lies between the first state and the last;
/// - shares change in proportion to `moved`, and nobody is sent where neither the first nor the last would send him.
/// A locality that nobody else may or can serve stays with who leaves.
///
/// Shape      `problem` as it is with nobody leaving; the result is rows of it, rounded to parts of 10,000. Levels and
///            cost are means, too; the regime is that of the highest level.
/// Cost       Localities × clusters × parts.
Allocation mix(const Problem& problem, std::span<const LeavingPart> parts,
               std::span<const Allocation* const> allocations);

/// All of it; `allocate` gives the allocation of a problem, such as steering::allocate(), once a part.
Allocation allocate_leaving(const Problem& problem, std::span<const Leaving> leaving,
                            const std::function<Allocation(const Problem&)>& allocate);

/// Of what is sent there from that locality, so much stays: 10,000 where it does not leave.
uint16_t staying_part(std::span<const Leaving> leaving, uint32_t cluster, uint32_t locality);

}  // namespace swingover::steering
