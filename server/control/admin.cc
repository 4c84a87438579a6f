#include "server/control/admin.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "server/control/admin_replies.h"
#include "server/control/target.h"
#include "server/control/views.h"
#include "server/control/views_dnssec.h"
#include "server/control/views_load.h"
#include "server/control/views_swings.h"
#include "server/control/views_what_if.h"
#include "store/journal.h"

namespace swingover::control {

namespace {

constexpr size_t history_default = 1'000;
constexpr size_t history_max = 10'000;
constexpr size_t solving_max = 2;  // of the pool's four threads
constexpr Milliseconds pairs_time{20'000};
constexpr size_t read_here_max = size_t{16} * 1024;  // octets of JSON, some hundred microseconds

HttpReply text_reply(std::string body, unsigned status = 200) {
  HttpReply reply = json_reply(std::move(body), status);
  reply.content_type = "text/plain; charset=utf-8";
  return reply;
}

HttpReply readyz(const Control& control) {
  const std::vector<std::string> problems = control.problems();
  if (problems.empty()) return text_reply("ok\n");
  return text_reply(joined(problems, "\n") + "\n", 503);
}

}  // namespace

HttpReply json_reply(std::string body, unsigned status) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

HttpReply error_reply(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid:
      return http_error(400, "invalid", error.message);
    case ErrorCode::not_found:
      return http_error(404, "not_found", error.message);
    case ErrorCode::conflict:
      return http_error(409, "conflict", error.message);
    case ErrorCode::unavailable:
      return http_error(503, "store_unavailable", error.message);
    case ErrorCode::corrupt:
    case ErrorCode::system:
      return http_error(500, "system", error.message);
  }
  return http_error(500, "system", error.message);
}

void Admin::handle(const HttpRequest& request, HttpResponder respond) {
  constexpr std::string_view service_prefix = "/v1/services/";
  constexpr std::string_view intent_prefix_path = "/v1/intents/";
  const std::string& path = request.path;
  const bool is_get = request.method == "GET";
  const bool is_post = request.method == "POST";

  std::string_view allowed = "GET, HEAD";
  if (path == "/livez") {
    if (is_get) return respond(text_reply("ok\n"));
  } else if (path == "/readyz") {
    if (is_get) return respond(readyz(control_));
  } else if (path == "/metrics") {
    if (is_get) return metrics(respond);
  } else if (path == "/v1/status") {
    if (is_get) return status(respond);
  } else if (path == "/v1/services") {
    if (is_get) return services_->answer(std::move(respond));
  } else if (path.starts_with(service_prefix)) {
    if (is_get) return service(path.substr(service_prefix.size()), respond);
  } else if (path == "/v1/explain") {
    if (is_get) return explain(request, respond);
    if (is_post) return explain_many(request, respond);
    allowed = "GET, HEAD, POST";
  } else if (path == "/v1/what-if") {
    if (is_get) return what_if(request, respond);
  } else if (path == "/v1/n1") {
    if (is_get) return n1(request, respond);
  } else if (path == "/v1/dnssec") {
    if (is_get) return respond(dnssec(request));
  } else if (path == "/v1/history") {
    if (is_get) return history(request, respond);
  } else if (path == "/v1/intents") {
    if (is_get) return respond(json_reply(intents_json(control_)));
    if (is_post) return post_intent(request, respond);
    allowed = "GET, HEAD, POST";
  } else if (path.starts_with(intent_prefix_path)) {
    if (request.method == "DELETE") return delete_intent(request, respond);
    if (is_get) {
      const std::string id = path.substr(intent_prefix_path.size());
      const Intent* intent = control_.intents().find(id);
      return respond(intent ? json_reply(intent_json(control_, *intent))
                            : http_error(404, "not_found", "no intent of this id: " + id));
    }
    allowed = "GET, HEAD, DELETE";
  } else if (path == "/v1/brake") {
    if (is_get) return respond(json_reply(brake_json(control_)));
    if (is_post) return steer_brake(request, respond);
    allowed = "GET, HEAD, POST";
  } else if (path == "/v1/resume") {
    if (is_post) return resume(request, respond);
    allowed = "POST";
  } else if (path == "/v1/push") {
    if (is_get) return respond(json_reply(pushes_json(control_)));
    if (is_post) return push(request, respond);
    allowed = "GET, HEAD, POST";
  } else if (path == "/v1/load") {
    if (is_get) return loads(request, respond);
    if (is_post) return post_load(request, respond);
    allowed = "GET, HEAD, POST";
  } else if (path == "/v1/reload") {
    if (is_post) return reload(respond);
    allowed = "POST";
  } else {
    return respond(http_error(404, "not_found", "no such path: " + path));
  }
  HttpReply refused =
      http_error(405, "method_not_allowed",
                 path + " knows " + std::string(allowed) + ", not " + request.method);
  refused.allow = allowed;
  respond(std::move(refused));
}

void Admin::describe(std::vector<uint32_t> checks, std::function<void()> again,
                     std::function<void(const Control::Environment::Described&)> done) {
  std::erase_if(checks, [&](uint32_t check) { return check >= control_.join().probed_count(); });
  std::ranges::sort(checks);
  checks.erase(std::unique(checks.begin(), checks.end()), checks.end());
  const auto& describe_checks = control_.environment().describe_checks;
  if (checks.empty() || !describe_checks) return done({});
  describe_checks(std::move(checks), [this, again = std::move(again), done = std::move(done),
                                      generation = control_.snapshot().generation](
                                         const Control::Environment::Described& details) {
    if (control_.snapshot().generation != generation) return again();
    done(details);
  });
}

void Admin::status(const HttpResponder& respond) {
  const Join& join = control_.join();
  std::vector<uint32_t> checks;
  for (uint32_t i = 0; i < join.model().topology.clusters.size(); ++i) {
    const std::vector<uint32_t> own = join.told_checks(ClusterId(i));
    checks.insert(checks.end(), own.begin(), own.end());
  }
  describe(
      std::move(checks), [this, respond] { status(respond); },
      [this, respond](const Control::Environment::Described& details) {
        respond(json_reply(status_json(control_, details)));
      });
}

void Admin::service(const std::string& name, const HttpResponder& respond) {
  const Result<Target> target = parse_target("service/" + name);
  if (!target) return respond(error_reply(target.error()));
  const Result<FoundTarget> found = find_target(control_.join().model(), *target);
  if (!found) return respond(error_reply(found.error()));
  std::vector<uint32_t> checks;
  for (const zones::Pool& pool : found->service->pools) {
    for (const zones::Endpoint& endpoint : pool.endpoints) {
      const std::vector<uint32_t> own = control_.join().told_checks(endpoint.id);
      checks.insert(checks.end(), own.begin(), own.end());
    }
  }
  describe(
      std::move(checks), [this, name, respond] { service(name, respond); },
      [this, target = *target, respond](const Control::Environment::Described& details) {
        const Result<FoundTarget> again = find_target(control_.join().model(), target);
        respond(json_reply(service_json(control_, *again->service, details)));
      });
}

void Admin::post_intent(const HttpRequest& request, const HttpResponder& respond) {
  const Result<IntentRequest> asked = parse_intent_request(request.body);
  if (!asked) return respond(error_reply(asked.error()));
  if (asked->kind == "pin") {
    return respond(http_error(501, "not_supported",
                              "this version has no pin: freeze a service, or force its pools"));
  }
  if (asked->dry_run) {
    return control_.try_intent(*asked, [respond](const Result<Control::IntentTried>& tried) {
      respond(tried ? json_reply(tried_json(*tried)) : error_reply(tried.error()));
    });
  }
  control_.set_intent(*asked, [this, respond](const Result<Control::IntentSet>& set) {
    if (!set) return respond(error_reply(set.error()));
    respond(json_reply(intent_json(control_, set->intent, set->replaced), 201));
  });
}

void Admin::delete_intent(const HttpRequest& request, const HttpResponder& respond) {
  constexpr std::string_view prefix = "/v1/intents/";
  control_.cancel_intent(request.path.substr(prefix.size()), request.argument("owner"),
                         request.argument("reason"), [this, respond](const Result<Intent>& was) {
                           if (!was) return respond(error_reply(was.error()));
                           respond(json_reply(intent_json(control_, *was)));
                         });
}

void Admin::steer_brake(const HttpRequest& request, const HttpResponder& respond) {
  const Result<Control::BrakeRequest> asked = parse_brake_request(request.body);
  if (!asked) return respond(error_reply(asked.error()));
  control_.steer_brake(*asked, [this, respond](const Result<size_t>& count) {
    if (!count) return respond(error_reply(count.error()));
    respond(json_reply(brake_json(control_)));
  });
}

void Admin::resume(const HttpRequest& request, const HttpResponder& respond) {
  const Result<Control::ResumeRequest> asked = parse_resume_request(request.body);
  if (!asked) return respond(error_reply(asked.error()));
  control_.resume(*asked,
                  [respond, target = asked->target](const Result<Control::Resumed>& resumed) {
                    if (!resumed) return respond(error_reply(resumed.error()));
                    respond(json_reply(resumed_json(target, *resumed)));
                  });
}

void Admin::push(const HttpRequest& request, const HttpResponder& respond) {
  const Result<PushReport> report = parse_push_report(request.body);
  if (!report) return respond(error_reply(report.error()));
  const Result<size_t> heard = control_.push(*report);
  if (!heard) return respond(error_reply(heard.error()));
  // Not all that was ever reported: where thousands report, that would be megabytes for each report.
  respond(json_reply("{\"checks\": " + std::to_string(*heard) + "}\n"));
}

void Admin::post_load(const HttpRequest& request, const HttpResponder& respond) {
  using Reports = Result<std::vector<LoadReport>>;
  const auto take = [this, respond](const Reports& reports) {
    if (!reports) return respond(error_reply(reports.error()));
    const Result<LoadBoard::Outcome> outcome = control_.report_loads(*reports);
    respond(outcome ? json_reply(load_taken_json(*outcome)) : error_reply(outcome.error()));
  };
  if (request.body.size() <= read_here_max) return take(parse_load_reports(request.body));
  // A cluster's ten thousand services take tens of milliseconds to read.
  auto reports = std::make_shared<std::optional<Reports>>();
  loop_.offload([reports, body = request.body] { *reports = parse_load_reports(body); },
                [reports, take] { take(**reports); });
}

void Admin::loads(const HttpRequest& request, const HttpResponder& respond) {
  std::optional<ServiceId> only;
  if (const std::string name = request.argument("service"); !name.empty()) {
    only = control_.loads().find(name);
    if (!only) return respond(http_error(404, "not_found", "no service of this name: " + name));
  }
  const Control::Environment& environment = control_.environment();
  const auto write = loads_json(control_.loads(), control_.snapshot().model,
                                {environment.clock.now(), environment.clock.wall()}, only);
  auto text = std::make_shared<std::string>();
  loop_.offload([write, text] { *text = write(); },
                [text, respond] {
                  HttpReply reply;
                  reply.large_body = text;
                  respond(std::move(reply));
                });
}

HttpReply Admin::dnssec(const HttpRequest& request) const {
  const Result<std::string> json =
      dnssec_json(control_.setup().signed_zones, control_.join().model(), request.argument("zone"));
  return json ? json_reply(*json) : error_reply(json.error());
}

void Admin::history(const HttpRequest& request, const HttpResponder& respond) {
  const WallTime now = control_.environment().clock.wall();
  store::Journal::Query query;
  query.target = request.argument("target");
  for (auto [name, bound] : {std::pair{"since", &query.since}, {"until", &query.until}}) {
    const std::string text = request.argument(name);
    if (text.empty()) continue;
    const Result<WallTime> time = parse_when(text, now, false);
    if (!time) return respond(error_reply(time.error(name)));
    *bound = *time;
  }
  query.most = history_default;
  std::string limit = request.argument("limit");
  if (limit.empty()) limit = request.argument("most");
  if (!limit.empty()) {
    const auto number = parse_number(limit);
    if (!number || *number == 0 || *number > history_max) {
      return respond(http_error(400, "invalid", "limit: a number from 1 to 10000"));
    }
    query.most = *number;
  }
  // Reading waits for the disk, so a pool thread does it.
  auto read = std::make_shared<std::optional<Result<std::vector<store::JournalEntry>>>>();
  loop_.offload(
      [read, query, &store = control_.environment().store] {
        *read = store::Journal::read(store, query);
      },
      [read, respond] {
        const auto& entries = **read;
        respond(entries ? json_reply(history_json(*entries)) : error_reply(entries.error()));
      });
}

void Admin::solve(const HttpResponder& respond, std::function<HttpReply(SteeringInputs)> answer) {
  if (*solving_ >= solving_max) {
    return respond(
        http_error(503, "busy", "other questions of this kind are being worked out: ask again"));
  }
  struct Work {
    SteeringInputs inputs;
    std::function<HttpReply(SteeringInputs)> answer;
    HttpReply reply;
  };
  auto work = std::make_shared<Work>(Work{control_.steering().inputs(), std::move(answer), {}});
  ++*solving_;
  loop_.offload([work] { work->reply = work->answer(std::exchange(work->inputs, {})); },
                [work, solving = solving_, respond] {
                  --*solving;
                  respond(std::move(work->reply));
                });
}

void Admin::what_if(const HttpRequest& request, const HttpResponder& respond) {
  Result<WhatIfAsked> asked = parse_what_if(request.argument("down"), request.argument("demand"),
                                            request.argument("service"), request.argument("limit"));
  if (!asked) return respond(error_reply(asked.error()));
  asked->at = control_.environment().clock.wall();
  solve(respond, [asked = *std::move(asked), is_over = is_over_](SteeringInputs inputs) {
    const Result<std::string> json =
        what_if_json(std::move(inputs), asked, [&] { return is_over->load(); });
    // Given up: no fault of the store.
    if (!json && json.error().code == ErrorCode::unavailable)
      return http_error(503, "unavailable", json.error().message);
    if (!json) return error_reply(json.error());
    HttpReply reply;
    reply.large_body = std::make_shared<const std::string>(*json);
    return reply;
  });
}

void Admin::n1(const HttpRequest& request, const HttpResponder& respond) {
  const std::string depth = request.argument("depth");
  if (depth.empty() || depth == "1") return respond(json_reply(n1_json(control_.n1().get())));
  if (depth != "2") {
    return respond(http_error(400, "invalid", "depth: 1, or 2 for any two clusters at once"));
  }
  solve(respond,
        [is_over = is_over_, &clock = control_.environment().clock](SteeringInputs inputs) {
          if (inputs.is_empty()) return json_reply(n1_json(nullptr));
          const WallTime at = clock.wall();
          const MonotonicTime begin = clock.now();
          WhatIf what_if(std::move(inputs));
          N1Report report = n1_report(
              what_if, 2, [&] { return is_over->load() || clock.now() - begin > pairs_time; });
          report.at = at;
          report.took = clock.now() - begin;
          return json_reply(n1_json(&report));
        });
}

void Admin::metrics(const HttpResponder& respond) {
  auto page = std::make_shared<MetricsPage>(collect_metrics_());
  auto text = std::make_shared<std::string>();
  loop_.offload(
      [page = std::move(page), text]() mutable {
        *text = metrics_text(*page);
        page.reset();  // here: to free a large one takes long
      },
      [text, respond] {
        HttpReply reply;
        reply.large_body = text;
        reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
        respond(std::move(reply));
      });
}

void Admin::reload(const HttpResponder& respond) {
  control_.reload([respond](const Control::ReloadResult& result) {
    respond(json_reply(reload_json(result), result.reloaded ? 200 : 400));
  });
}

}  // namespace swingover::control
