#include "zones/chaos.h"

#include <string_view>

#include "zones/name.h"

namespace swingover::zones {
namespace {

using namespace std::string_view_literals;

bool is_name(Bytes name, std::string_view wire) {
  return name.size() == wire.size() &&
         std::equal(name.begin(), name.end(), wire.begin(),
                    [](uint8_t a, char b) { return folded_octet(a) == static_cast<uint8_t>(b); });
}

std::string_view text_of(Bytes name, const Answering& answering) {
  if (is_name(name, "\2id\6server\0"sv) || is_name(name, "\x8hostname\4bind\0"sv))
    return answering.chaos_identity;
  if (is_name(name, "\7version\6server\0"sv) || is_name(name, "\7version\4bind\0"sv))
    return answering.chaos_version;
  return {};
}

}  // namespace

uint16_t answer_chaos(const Query& query, const Answering& answering, AnswerWriter& writer) {
  const std::string_view text = text_of(query.name, answering);
  const bool is_asked_for = query.qtype == type::txt || query.qtype == type::any;
  if (text.empty() || !is_asked_for) return rcode::refused;
  if (!writer.put_text(dns_class::chaos, text)) writer.set_truncated();
  return rcode::no_error;
}

}  // namespace swingover::zones
