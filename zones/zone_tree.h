#pragma once

namespace swingover::zones {

/// All zones of a generation: name to closest zone, and within it to the node or its closest encloser.
class ZoneTree {};

}  // namespace swingover::zones
