#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace swingover::zones {

/// The answer section of a message as lines such as "shop.svc.example.com. 30 IN A 192.0.2.10"; RDATA of types
/// that it does not know as RFC 3597 writes them. Ends early where the message is broken. For people;
/// control path.
std::vector<std::string> answer_lines(Bytes message);

/// "NOERROR", "NXDOMAIN", … or "RCODE23".
std::string rcode_text(uint16_t rcode);

}  // namespace swingover::zones
