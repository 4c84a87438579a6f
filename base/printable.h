#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace swingover {

/// `text` safe to write to any terminal: control bytes, bytes that are not UTF-8, and code points that turn
/// the direction of writing become `\x1b` or `\u{202e}`. What a daemon, a backend's banner or a
/// person's reason holds can then neither move the cursor nor hide what stands there.
std::string printable(std::string_view text);
/// The same for a text of several lines: its line ends stay.
std::string printable_lines(std::string_view text);

/// Columns that a printable UTF-8 text takes: 0 for combining marks, 2 for wide East Asian code points.
size_t display_width(std::string_view text);

/// Bytes of the code point that a text starts with; 1 where that is none, 0 for no text.
size_t first_code_point_size(std::string_view text);

}  // namespace swingover
