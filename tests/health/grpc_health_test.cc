#include "health/grpc_health.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "health/http_probe.h"
#include "tests/health/look.h"
#include "tests/support/backend.h"
#include "tests/support/certificates.h"
#include "tests/support/counterpart.h"

namespace swingover::health {

namespace {

using tests::Backend;
using tests::Certificates;
using tests::Connection;
using tests::Counterpart;

HttpAnswer answer_with(std::string message) {
  HttpAnswer answer;
  answer.heard = HttpAnswer::Heard::whole;
  answer.status = 200;
  answer.content_type = "application/grpc+proto";
  answer.grpc_status = "0";
  answer.body = std::string("\0\0\0\0", 4) + static_cast<char>(message.size()) + message;
  return answer;
}

struct Looker {
  Finding probe(const MonitorOptions& options) {
    const auto target = probes.make_target(tests::check_of(options, "127.3.0.4"));
    return tests::look(loop, *target);
  }
  loop::Loop loop;
  StreamWorld world{loop};
  HttpProbes probes{world};
};

MonitorOptions grpc(uint16_t port) {
  MonitorOptions options;
  options.name = "rpc";
  options.kind = MonitorKind::grpc;
  options.port = port;
  options.timeout = Milliseconds(5000);
  return options;
}

Backend grpc_backend(std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"--bind", "127.3.0.4:0"});
  return Backend(more, "grpc_backend.py");
}

}  // namespace

TEST_CASE("the question of the gRPC health service is one text", "[grpc_health]") {
  CHECK(grpc_health_request("").body == std::string("\0\0\0\0\0", 5));
  CHECK(grpc_health_request("shop").body == std::string("\0\0\0\0\x06\x0a\x04shop", 11));
  const std::string long_name(200, 'x');
  CHECK(grpc_health_request(long_name).body ==
        std::string("\0\0\0\0\xcb\x0a\xc8\x01", 8) + long_name);
}

TEST_CASE("the answer of the gRPC health service is one number", "[grpc_health]") {
  const auto judge = [](std::string message) {
    return judge_grpc_health(answer_with(std::move(message)));
  };
  CHECK(judge("\x08\x01").empty());
  CHECK(judge("") == "health UNKNOWN, wanted SERVING");
  CHECK(judge(std::string("\x08\0", 2)) == "health UNKNOWN, wanted SERVING");
  CHECK(judge("\x08\x02") == "health NOT_SERVING, wanted SERVING");
  CHECK(judge("\x08\x03") == "health SERVICE_UNKNOWN, wanted SERVING");
  CHECK(judge("\x08\x07") == "health 7, wanted SERVING");
  CHECK(judge("\x12\x02xy\x1d"
              "1234\x21"
              "12345678\x28\x05\x08\x01")
            .empty());  // fields of later versions
  for (const char* wrong : {"\x08", "\x08\x80", "\x12\x05x", "\x0b",
                            "\x1d"
                            "123"}) {
    CHECK(judge(wrong) == "grpc: a message that makes no sense");
  }
  HttpAnswer answer = answer_with("\x08\x01");
  answer.body[0] = 1;
  CHECK(judge_grpc_health(answer) == "grpc: a message that makes no sense");
  answer = answer_with("\x08\x01");
  answer.body += "x";
  CHECK(judge_grpc_health(answer) == "grpc: a message that makes no sense");
  answer.body = "x";
  CHECK(judge_grpc_health(answer) == "grpc: no message in the answer");
  answer.grpc_status = "";
  CHECK(judge_grpc_health(answer) == "not a gRPC answer: no grpc-status");
  answer.grpc_status = "99";
  answer.grpc_message = "a%20b%0a%zz%";
  CHECK(judge_grpc_health(answer) == "grpc-status 99: a b?%zz%");
}

TEST_CASE("a gRPC probe passes where the server or the service serves", "[grpc_probe]") {
  const Backend backend = grpc_backend();
  Looker looker;
  MonitorOptions options = grpc(backend.port());
  options.keep_alive = GENERATE(false, true);
  CHECK(looker.probe(options).reason.empty());
  options.grpc_service = "shop";
  const auto target = looker.probes.make_target(tests::check_of(options, "127.3.0.4"));
  CHECK(tests::look(looker.loop, *target).reason.empty());
  CHECK(tests::look(looker.loop, *target).reason.empty());
}

TEST_CASE("a gRPC probe says why the health service is not content", "[grpc_probe]") {
  struct Case {
    std::vector<std::string> how;
    const char* service;
    const char* reason;
  };
  const Case one =
      GENERATE(Case{{"--health", "not-serving"}, "", "health NOT_SERVING, wanted SERVING"},
               Case{{"--health", "unknown"}, "", "health UNKNOWN, wanted SERVING"},
               Case{{}, "sick", "health NOT_SERVING, wanted SERVING"},
               Case{{}, "other", "grpc-status NOT_FOUND: unknown service other: 50% sure"},
               Case{{"--bare"}, "", "grpc-status UNIMPLEMENTED: Method not found!"},
               Case{{"--hang"}, "", "timed out after 500ms while waiting for the status"});
  const Backend backend = grpc_backend(one.how);
  Looker looker;
  MonitorOptions options = grpc(backend.port());
  options.grpc_service = one.service;
  if (std::string_view(one.reason).starts_with("timed")) options.timeout = Milliseconds(500);
  const Finding found = looker.probe(options);
  CHECK(found.reason == one.reason);
  CHECK(found.failure != Failure::hard);
}

TEST_CASE("a gRPC probe over TLS looks at the certificate", "[grpc_probe]") {
  const Certificates& made = Certificates::made();
  const auto probe = [&made](const std::string& certificate) {
    const Backend backend =
        grpc_backend({"--tls", made.file(certificate + ".pem"), made.file(certificate + ".key")});
    Looker looker;
    MonitorOptions options = grpc(backend.port());
    options.tls = true;
    options.tls_ca_file = made.file("ca.pem");
    return looker.probe(options);
  };
  CHECK(probe("good").reason.empty());
  CHECK(probe("good").warning.empty());
  CHECK(probe("soon").warning == "certificate expires in 2 days");
  CHECK(probe("self").reason == "certificate: self-signed certificate");
}

TEST_CASE("a gRPC probe of what is no gRPC server says so", "[grpc_probe]") {
  Looker looker;
  SECTION("nobody there") {
    tests::Listener listener("127.3.0.4");
    listener.stop();
    const Finding found = looker.probe(grpc(listener.port()));
    CHECK(found.reason == "connect: connection refused");
    CHECK(found.failure == Failure::hard);
  }
  SECTION("a web server of HTTP/1.1") {
    const Counterpart server("127.3.0.4", [](Connection& c) {
      c.hear("SM\r\n\r\n");
      c.say("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    CHECK(looker.probe(grpc(server.port())).reason == "the other end does not speak HTTP/2");
  }
  SECTION("a reset") {
    const Counterpart server("127.3.0.4", [](Connection& c) {
      c.hear("SM\r\n\r\n");
      c.reset_at_end();
    });
    const Finding found = looker.probe(grpc(server.port()));
    CHECK(found.reason == "connection reset by peer while waiting for the status");
    CHECK(found.failure == Failure::hard);
  }
}

}  // namespace swingover::health
