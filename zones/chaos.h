#pragma once

#include "zones/answer_writer.h"
#include "zones/answering.h"
#include "zones/query.h"

namespace swingover::zones {

/// A query of class CHAOS: TXT of id.server or hostname.bind (RFC 4892), version.server or version.bind, as far
/// as `answering` tells them. Everything else is REFUSED. Returns the RCODE. Hot path.
uint16_t answer_chaos(const Query& query, const Answering& answering, AnswerWriter& writer);

}  // namespace swingover::zones
