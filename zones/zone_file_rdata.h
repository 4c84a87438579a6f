#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "zones/master_file.h"
#include "zones/name.h"

namespace swingover::zones {

/// The number of a record type: a mnemonic that ldns knows, or TYPE123 (RFC 3597); 0 for neither.
uint16_t parse_type(std::string_view text);
/// The mnemonic, or TYPE123.
std::string type_text(uint16_t type);

/// A name as a master file writes it: relative to `origin` unless it ends in a dot, @ for the origin.
Result<Name> parse_relative_name(std::string_view text, const Name& origin);

/// The same for a name of plain characters, no escapes, without making a Name: its wire form, written to `out`.
/// Empty for any other text, a wrong one too, which the function above then reads or refuses.
Bytes read_plain_name(std::string_view text, const Name& origin,
                      std::span<uint8_t, Name::size_max> out);

/// Turns the text of one record's data into wire form, appended to `out`, names uncompressed.
///
/// Shape   Any type by \# LENGTH HEX (RFC 3597 section 5), others field by field: ldns reads a field once
///         it is known to be one that ldns reads safely; names and numbers are read here.
/// Errors  Reported at the word concerned; `end` is where a missing one should have been. `out` is then as before.
bool encode_rdata(uint16_t type, std::span<const MasterToken> words, Position end,
                  const Name& origin, Diagnostics& diagnostics, std::vector<uint8_t>& out);

}  // namespace swingover::zones
