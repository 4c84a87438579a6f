#pragma once

#include <string>

#include "base/result.h"
#include "server/control/http_server.h"

namespace swingover::control {

HttpReply json_reply(std::string body, unsigned status = 200);
/// The error as docs/admin-api.md has them.
HttpReply error_reply(const Error& error);

}  // namespace swingover::control
