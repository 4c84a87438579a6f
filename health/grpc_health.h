#pragma once

#include <string>
#include <string_view>

#include "health/http_codec.h"

namespace swingover::health {

/// The question of grpc.health.v1.Health/Check for `service`; empty: the server as a whole. Its messages are one
/// text and one enumeration, written and read by hand.
/// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md)
HttpRequest grpc_health_request(std::string_view service);

/// What its answer says, in words; empty: SERVING.
std::string judge_grpc_health(const HttpAnswer& answer);

}  // namespace swingover::health
