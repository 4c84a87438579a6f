// Why an answer was what it was: now, on the control thread; or then, off it, from what the store has.

#include <optional>
#include <utility>

#include "server/control/admin.h"
#include "server/control/admin_replies.h"
#include "server/control/intent_words.h"
#include "server/control/share_reasons.h"
#include "server/control/views.h"
#include "server/control/views_explain.h"
#include "server/control/views_old_answers.h"

namespace swingover::control {

void Admin::explain(const HttpRequest& request, const HttpResponder& respond) {
  std::string asker = request.argument("client");
  if (asker.empty()) asker = request.client;
  Result<Question> question =
      parse_question(request.argument("name"), request.argument("type"), asker);
  if (!question) return respond(error_reply(question.error()));
  const WallTime now = control_.environment().clock.wall();
  if (const std::string at = request.argument("at"); !at.empty()) {
    const Result<WallTime> then = parse_past(at, now);
    if (!then) return respond(error_reply(then.error()));
    question->at = *then;
    return ask_past(
        [asked = *std::move(question), &store = control_.environment().store](Past& past) {
          const Result<std::string> json = past_json(past, store, asked);
          return json ? json_reply(*json) : error_reply(json.error());
        },
        respond);
  }
  const zones::Snapshot& snapshot = control_.snapshot();
  const zones::Insight insight{
      .now = static_cast<uint32_t>(now.unix_milliseconds / 1000),
      .endpoint = [this](EndpointId id) { return control_.join().reason(id); },
      .change =
          [this, now](ServiceId id) {
            return change_words(control_.next_change(id), control_.join(), now);
          },
      .is_many_caches = control_.environment().is_many_caches,
      .is_held = [this](EndpointId id) { return control_.join().endpoint(id).is_held(); },
      .shaping =
          [this](const zones::Service& service) {
            auto steps = ShareReasons(control_.steering()).steps(service);
            for (const Intent* intent : intents_on(control_.intents(), service)) {
              const bool is_idle = intent->kind == IntentKind::freeze &&
                                   !control_.steering().plans().is_frozen(service.id);
              if (!is_idle) steps.push_back(step_of(*intent));
            }
            return steps;
          },
      .pool =
          [this](const zones::Service& service, uint32_t place, LocalityId client) {
            return ShareReasons(control_.steering())
                .of(control_.join().model(), service, place, client);
          }};
  zones::Explanation explanation =
      zones::explain(snapshot, question->name, question->type, question->client, insight);
  add_old_answers(control_, explanation);
  respond(json_reply(explain_json(explanation, *question, snapshot.generation)));
}

void Admin::explain_many(const HttpRequest& request, const HttpResponder& respond) {
  const WallTime now = control_.environment().clock.wall();
  auto read = std::make_shared<std::optional<Result<PastQuestions>>>();
  loop_.offload([read, now, body = request.body] { *read = parse_past_questions(body, now); },
                [this, read, respond, is_over = is_over_] {
                  if (is_over->load()) return;
                  if (!**read) return respond(error_reply((**read).error()));
                  ask_past(
                      [asked = ***std::move(read)](Past& past) {
                        HttpReply reply;
                        reply.large_body =
                            std::make_shared<const std::string>(past_list_json(past, asked));
                        return reply;
                      },
                      respond);
                });
}

/// One at a time: a generation may take as much memory as the one that answers.
void Admin::ask_past(std::function<HttpReply(Past&)> answer, const HttpResponder& respond) {
  if (!control_.environment().build_past)
    return respond(http_error(501, "not_supported", "nobody here can explain the past"));
  if (*is_asking_past_) {
    return respond(
        http_error(503, "busy", "other questions about the past are being worked out: ask again"));
  }
  if (!past_) {
    past_ = std::make_shared<Past>(control_.environment().store, control_.environment().build_past);
  }
  *is_asking_past_ = true;
  control_.when_past_is_stored([this, answer = std::move(answer), respond, past = past_,
                                is_asking = is_asking_past_,
                                is_over = is_over_](const Status& stored) {
    if (is_over->load()) return;
    if (!stored) {
      *is_asking = false;
      return respond(error_reply(stored.error()));
    }
    auto reply = std::make_shared<HttpReply>();
    const auto work = [reply, answer, past] { *reply = answer(*past); };
    const auto done = [reply, respond, is_asking] {
      *is_asking = false;
      respond(std::move(*reply));
    };
    // To compile a million names must not delay one answer.
    if (control_.snapshot().model->services.size() > Past::kept_services_max) {
      control_.environment().offload(work, done);
    } else {
      loop_.offload(work, done);
    }
  });
}

}  // namespace swingover::control
