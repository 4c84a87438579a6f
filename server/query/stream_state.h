#pragma once

#include <cstdint>

namespace swingover::query {

/// What came of reading from a client, or writing to it, without waiting.
enum class StreamState : uint8_t {
  moved,  // some octets
  waits,  // none now; the stream says what for
  ended,  // the client closed, or failed
};

}  // namespace swingover::query
