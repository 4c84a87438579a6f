#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/loop/loop.h"
#include "server/control/control_loop.h"
#include "server/control/http_server.h"
#include "server/control/metrics.h"
#include "server/control/past.h"
#include "server/control/services_listing.h"

namespace swingover::control {

/// The calls of the admin address; docs/admin-api.md says each one's JSON.
///
/// Checks   The probe thread is asked for the verdicts of one service's checks, and for the status of those of the
///          clusters: the control thread hears only news.
/// Threads  The control thread. What reads the disk or formats much (history, metrics, all services) is offloaded.
class Admin {
 public:
  using CollectMetrics = std::function<MetricsPage()>;

  Admin(loop::Loop& loop, Control& control, CollectMetrics collect_metrics)
      : loop_(loop),
        control_(control),
        collect_metrics_(std::move(collect_metrics)),
        services_(std::make_shared<ServicesListing>(loop, control)) {}
  ~Admin() { *is_over_ = true; }
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  /// Answers one request, now or, when it must wait for the store or a reload, later.
  void handle(const HttpRequest& request, HttpResponder respond);

 private:
  /// The details of what is probed among these; at once where there is nothing to ask for. `again` instead, when a
  /// reload came between: the places are others then.
  void describe(std::vector<uint32_t> checks, std::function<void()> again,
                std::function<void(const Control::Environment::Described&)> done);
  void status(const HttpResponder& respond);
  void service(const std::string& name, const HttpResponder& respond);
  void post_intent(const HttpRequest& request, const HttpResponder& respond);
  void delete_intent(const HttpRequest& request, const HttpResponder& respond);
  void steer_brake(const HttpRequest& request, const HttpResponder& respond);
  void resume(const HttpRequest& request, const HttpResponder& respond);
  void push(const HttpRequest& request, const HttpResponder& respond);
  void post_load(const HttpRequest& request, const HttpResponder& respond);
  void loads(const HttpRequest& request, const HttpResponder& respond);
  HttpReply dnssec(const HttpRequest& request) const;
  void history(const HttpRequest& request, const HttpResponder& respond);
  void explain(const HttpRequest& request, const HttpResponder& respond);
  void explain_many(const HttpRequest& request, const HttpResponder& respond);
  void ask_past(std::function<HttpReply(Past&)> answer, const HttpResponder& respond);
  void what_if(const HttpRequest& request, const HttpResponder& respond);
  void n1(const HttpRequest& request, const HttpResponder& respond);
  /// A question that another thread solves; refused while others are solved already.
  void solve(const HttpResponder& respond, std::function<HttpReply(SteeringInputs)> answer);
  void metrics(const HttpResponder& respond);
  void reload(const HttpResponder& respond);

  loop::Loop& loop_;
  Control& control_;
  CollectMetrics collect_metrics_;
  std::shared_ptr<ServicesListing> services_;
  // Of questions that are solved on the loop's pool: for those that outlive this.
  std::shared_ptr<std::atomic<bool>> is_over_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<Past> past_;  // in use off this thread while
  std::shared_ptr<bool> is_asking_past_ = std::make_shared<bool>(false);
  std::shared_ptr<size_t> solving_ = std::make_shared<size_t>(0);
};

}  // namespace swingover::control
