#include "server/daemon.h"

#include <malloc.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/background.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop/loop.h"
#include "base/loop/signal.h"
#include "base/loop/timer.h"
#include "base/random.h"
#include "base/text.h"
#include "base/version.h"
#include "health/prober.h"
#include "server/config.h"
#include "server/control/admin.h"
#include "server/control/control_loop.h"
#include "server/control/http_server.h"
#include "server/control/limit_log.h"
#include "server/control/notifier.h"
#include "server/control/restore.h"
#include "server/control/store_writer.h"
#include "server/query/workers.h"
#include "server/serving.h"
#include "server/setup.h"
#include "server/swing_times.h"
#include "server/systemd.h"
#include "store/journal.h"
#include "store/rocks_store.h"
#include "zones/sign_ahead.h"

namespace swingover::server {

namespace {

constexpr Milliseconds reclaim_every{1'000};
constexpr Milliseconds reload_hurries_after{30'000};
constexpr Milliseconds limit_log_every{5'000};
constexpr Milliseconds watch_every{1'000};
constexpr Milliseconds tcp_grace{2'000};
constexpr Milliseconds flush_at_stop{1'000};
constexpr Milliseconds stop_within{4'500};
constexpr size_t signed_ahead_at_once = 200;  // names: milliseconds

/// Ends the process when its stop takes longer: a disk that gives no answer holds the threads that wait for it,
/// and nothing that was acknowledged is on its way to it any more.
class StopDeadline {
 public:
  explicit StopDeadline(Milliseconds within) : thread_([this, within] { watch(within); }) {}
  ~StopDeadline() {
    {
      std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    stopped_.notify_all();
    thread_.join();
  }
  StopDeadline(const StopDeadline&) = delete;
  StopDeadline& operator=(const StopDeadline&) = delete;

 private:
  void watch(Milliseconds within) {
    std::unique_lock lock(mutex_);
    const auto time = std::chrono::milliseconds(within.value);
    if (stopped_.wait_for(lock, time, [this] { return is_stopped_; })) return;
    log_error("stopped without the disk: it gives no answer");
    std::_Exit(0);
  }

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopped_ = false;
  std::thread thread_;
};

std::string address_list(const std::vector<SocketAddress>& addresses) {
  std::vector<std::string> texts;
  texts.reserve(addresses.size());
  for (const SocketAddress& address : addresses) texts.push_back(address.text());
  return joined(texts, ",");
}

/// What the kernel gives of the wish, when it is less than half: a short pause then loses queries.
void report_buffer(int got) {
  if (got >= query::udp_buffer_wished / 2) return;
  log_warning("UDP receive buffers are small: raise net.core.rmem_max",
              {{"wished", std::to_string(query::udp_buffer_wished)}, {"got", std::to_string(got)}});
}

/// Where the socket unit and the config name different addresses, one of them is likely a slip.
void report_handed(std::span<const systemd::Socket> handed,
                   const std::vector<SocketAddress>& listen, const std::string& key) {
  const auto is_handed = [&](const SocketAddress& address, bool is_udp) {
    return std::any_of(handed.begin(), handed.end(), [&](const systemd::Socket& socket) {
      return socket.address == address && socket.is_udp == is_udp;
    });
  };
  for (const systemd::Socket& socket : handed) {
    if (std::find(listen.begin(), listen.end(), socket.address) != listen.end()) continue;
    log_warning("handed socket matches no " + key + ": it is served all the same",
                {{"address", socket.address.text()}, {"kind", socket.is_udp ? "udp" : "tcp"}});
  }
  for (const SocketAddress& address : listen) {
    if (is_handed(address, true) || is_handed(address, false)) continue;
    log_warning(key + " is not served: systemd hands over other sockets",
                {{"address", address.text()}});
  }
}

/// Everything that the daemon is made of, in the order in which it is made; destroyed in reverse.
class Daemon {
 public:
  explicit Daemon(Config config) : config_(std::move(config)) {}
  ~Daemon() { stop(); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  Status start(std::string config_text);
  void run() { loop_.run(); }
  void stop();

 private:
  Status open_store();
  void start_control(control::Setup setup);
  Status start_query(std::vector<systemd::Socket> handed);
  Status start_admin(const std::vector<systemd::Socket>& handed);
  using DescribeDone = std::function<void(std::vector<health::CheckDetails>)>;
  void describe_checks(std::vector<uint32_t> checks, DescribeDone done);
  void publish(std::shared_ptr<const zones::Snapshot> snapshot);
  void sign_ahead(std::shared_ptr<zones::SignAhead> work, uint64_t generation);
  void reload(const std::string& by);
  void log_ready() const;
  void offload(std::function<void()> work, std::function<void()> done);
  std::string status_line() const;

  std::optional<StopDeadline> deadline_;  // first: it outlives all else
  Config config_;
  SetupSource source_;
  FileWatch watch_;
  uint32_t workers_count_ = 1;
  control::Remembered remembered_;
  std::unique_ptr<store::Store> store_;
  loop::Loop loop_;
  std::map<uint64_t, DescribeDone> descriptions_;  // that wait for the probe thread
  uint64_t last_description_ = 0;
  std::unique_ptr<Background> background_ = std::make_unique<Background>();
  std::unique_ptr<control::StoreWriter> writer_;
  std::unique_ptr<ServingTable> serving_;
  std::unique_ptr<health::Prober> prober_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<query::Workers> workers_;
  std::unique_ptr<control::Notifier> notifier_;
  std::unique_ptr<control::Admin> admin_;
  std::unique_ptr<control::HttpServer> http_;
  control::LimitLog limit_log_{[](const IpPrefix& network, uint64_t responses) {
    log_warning("rate limited",
                {{"network", network.text()}, {"responses", std::to_string(responses)}});
  }};
  std::vector<std::unique_ptr<loop::Signal>> signals_;
  std::vector<std::unique_ptr<loop::Timer>> timers_;
};

Status Daemon::start(std::string config_text) {
  if (Status opened = open_store(); !opened) return opened;
  workers_count_ = config_.server.workers;
  if (workers_count_ == 0) workers_count_ = std::max(1U, std::thread::hardware_concurrency());
  source_ = {.config_file = config_.file,
             .tls_listen = tls_listen_of(config_),
             .server = config_.server,
             .admin = config_.admin,
             .pick_secret = random_seed(),
             .cookie_secret = {random_seed(), random_seed()},
             .configure_transport =
                 [this](const query::TransportOptions& options) {
                   if (workers_) workers_->configure(options);
                 },
             .configure_exec = [this](uint32_t most) { prober_->set_exec_max(most); },
             .watch_files = [this](auto files) { watch_.follow(std::move(files)); }};
  control::Setup setup = build_setup(config_, source_, remembered_.generation.generation + 1,
                                     std::move(config_text), std::move(remembered_.serials));
  if (!setup.warnings.empty()) {
    for (const std::string_view line : split(setup.warnings, '\n')) {
      if (!line.empty()) log_warning(line);
    }
  }
  for (const std::string& zone : setup.failed_zones) {
    log_error("zone did not load: it is answered SERVFAIL", {{"zone", zone}});
  }
  for (const std::string& file : setup.failed_client_files)
    log_error("client networks did not load: their clients count as unknown", {{"file", file}});
  start_control(std::move(setup));
  // What reading the files took and left in holes of the heap; nobody is served yet who would notice.
  malloc_trim(0);
  std::vector<systemd::Socket> handed = systemd::handed_sockets();
  if (Status started = start_query(handed); !started) return started;
  notifier_ = std::make_unique<control::Notifier>(loop_, system_clock(), workers_->udp_addresses(),
                                                  random_seed());
  notifier_->announce(control_->snapshot());
  if (Status started = start_admin(handed); !started) return started;

  signals_.push_back(std::make_unique<loop::Signal>(loop_, SIGHUP, [this] { reload("SIGHUP"); }));
  for (const int number : {SIGTERM, SIGINT}) {
    signals_.push_back(std::make_unique<loop::Signal>(loop_, number, [this] { loop_.stop(); }));
  }
  timers_.push_back(std::make_unique<loop::Timer>(loop_, [this] {
    serving_->reclaim([this](auto work, auto done) { offload(std::move(work), std::move(done)); });
  }));
  timers_.back()->start_repeating(reclaim_every);
  timers_.push_back(std::make_unique<loop::Timer>(loop_, [this] {
    if (watch_.look()) reload("files of [clients] that changed");
  }));
  timers_.back()->start_repeating(watch_every);
  timers_.push_back(std::make_unique<loop::Timer>(
      loop_, [this] { limit_log_.look(workers_->limited_networks(), system_clock().now()); }));
  timers_.back()->start_repeating(limit_log_every);
  if (const Milliseconds every = systemd::watchdog_interval(); every.value > 0) {
    timers_.push_back(std::make_unique<loop::Timer>(loop_, [] { systemd::watchdog(); }));
    timers_.back()->start_repeating(every);
  }
  log_ready();
  systemd::ready(status_line());
  return Done{};
}

void Daemon::log_ready() const {
  const LogField udp{"udp", address_list(workers_->udp_addresses())};
  const LogField tcp{"tcp", address_list(workers_->tcp_addresses())};
  const LogField tls{"tls", address_list(workers_->tls_addresses())};
  const LogField admin{"admin", address_list(http_->addresses())};
  const LogField generation{"generation", std::to_string(control_->snapshot().generation)};
  if (tls.value.empty()) {
    log_info("ready", {udp, tcp, admin, generation});
  } else {
    log_info("ready", {udp, tcp, tls, admin, generation});
  }
}

Status Daemon::open_store() {
  Result<std::unique_ptr<store::Store>> store = store::open_rocks_store(config_.server.state_dir);
  if (!store) return store.error();
  store_ = std::move(*store);
  Result<control::Remembered> remembered = control::restore(*store_);
  if (!remembered) return remembered.error("reading the store in " + config_.server.state_dir);
  remembered_ = std::move(*remembered);
  Result<store::Journal> journal = store::Journal::open(*store_);
  if (!journal) return journal.error("reading the journal in " + config_.server.state_dir);
  writer_ = std::make_unique<control::StoreWriter>(loop_, *store_, *journal,
                                                   control::StoreWriter::Options{});
  return Done{};
}

void Daemon::start_control(control::Setup setup) {
  prober_ = std::make_unique<health::Prober>(
      [this](std::vector<health::CheckUpdate> updates) {
        loop_.post([this, updates = std::move(updates)]() mutable {
          if (control_) control_->on_updates(std::move(updates));
        });
      },
      random_seed());
  prober_->set_exec_max(config_.server.exec_max);
  control_ = std::make_unique<control::Control>(control::Control::Environment{
      .loop = loop_,
      .clock = system_clock(),
      .store = *store_,
      .writer = *writer_,
      .replace_checks =
          [this](std::vector<health::Check> checks) { return prober_->replace(std::move(checks)); },
      .describe_checks =
          [this](std::vector<uint32_t> checks, DescribeDone done) {
            describe_checks(std::move(checks), std::move(done));
          },
      .pull =
          [this](std::vector<health::Pull> pulls) {
            prober_->pull(std::move(pulls), [this](health::Pulled pulled) {
              loop_.post([this, pulled = std::move(pulled)]() mutable {
                if (control_) control_->on_pulled(std::move(pulled));
              });
            });
          },
      .publish = [this](auto snapshot) { publish(std::move(snapshot)); },
      .add_answers =
          [this](ServiceId service, std::span<uint32_t> sums) {
            serving_->current().add_answers(service, sums);
          },
      .add_pool_answers =
          [this](ServiceId service, std::span<uint64_t> sums) {
            serving_->current().add_pool_answers(service, sums);
          },
      .is_many_caches =
          [this](ServiceId service, uint64_t client) {
            const int64_t now = system_clock().wall().unix_milliseconds / 1000;
            return serving_->current().is_many_caches(service, client, static_cast<uint32_t>(now));
          },
      .load =
          [source = source_](uint64_t generation, const zones::Snapshot* previous) {
            return load_setup(source, generation, previous);
          },
      .on_reload =
          [this, hurry = std::make_shared<loop::Timer>(loop_, [this] { background_->hurry(); })](
              bool is_reloading) {
            is_reloading ? hurry->start_once(reload_hurries_after) : hurry->stop();
            if (is_reloading) {
              systemd::reloading();
            } else {
              systemd::ready(status_line());
            }
          },
      .offload = [this](auto work, auto done) { offload(std::move(work), std::move(done)); },
      .resume_checks = [this](std::vector<uint32_t> checks) { prober_->resume(std::move(checks)); },
      .build_past = build_past,
      .identity = config_.server.identity,
      .version = version,
      .seed = random_seed(),
  });
  control_->start(std::move(setup), std::move(remembered_));
}

/// `done` never leaves the control thread: what it holds is not the probe thread's to destroy.
void Daemon::describe_checks(std::vector<uint32_t> checks, DescribeDone done) {
  const uint64_t id = ++last_description_;
  descriptions_.emplace(id, std::move(done));
  prober_->describe(std::move(checks), [this, id](std::vector<health::CheckDetails> details) {
    loop_.post([this, id, details = std::move(details)]() mutable {
      if (const auto waiting = descriptions_.extract(id)) waiting.mapped()(std::move(details));
    });
  });
}

void Daemon::publish(std::shared_ptr<const zones::Snapshot> snapshot) {
  if (serving_) {
    serving_->publish(snapshot);
  } else {
    serving_ = std::make_unique<ServingTable>(snapshot, workers_count_);
  }
  if (notifier_) notifier_->announce(*snapshot);
  if (zones::SignAhead::is_of_use(*snapshot))
    sign_ahead(std::make_shared<zones::SignAhead>(snapshot), snapshot->generation);
}

/// Sockets that systemd holds are what the daemon listens on, whatever the config says.
Status Daemon::start_query(std::vector<systemd::Socket> handed) {
  query::WorkersOptions options;
  options.listen = config_.server.listen;
  options.tls_listen = tls_listen_of(config_);
  options.transport = transport_of(config_);
  options.workers = workers_count_;
  std::erase_if(handed, [](const systemd::Socket& socket) {
    return socket.name == "admin" || socket.address.is_unix();
  });
  const auto is_tls = [](const systemd::Socket& socket) {
    return socket.name == "tls" && !socket.is_udp;
  };
  const auto tls_begin = std::stable_partition(handed.begin(), handed.end(), std::not_fn(is_tls));
  const std::span plain(handed.begin(), tls_begin);
  const std::span tls(tls_begin, handed.end());
  if (!tls.empty()) {
    report_handed(tls, options.tls_listen, "[tls] listen");
    options.tls_listen.clear();
  }
  if (!plain.empty()) {
    report_handed(plain, options.listen, "[server] listen");
    options.listen.clear();
  }
  for (const systemd::Socket& socket : handed) {
    options.handed.push_back({socket.descriptor, socket.is_udp, socket.address});
    auto& listen = is_tls(socket) ? options.tls_listen : options.listen;
    if (std::ranges::find(listen, socket.address) == listen.end()) listen.push_back(socket.address);
  }
  Result<std::unique_ptr<query::Workers>> workers =
      query::Workers::start(options, serving_->published());
  if (!workers) return workers.error();
  workers_ = std::move(*workers);
  report_buffer(workers_->udp_buffer());
  return Done{};
}

Status Daemon::start_admin(const std::vector<systemd::Socket>& handed) {
  std::vector<SocketAddress> listen = config_.admin.listen;
  std::vector<control::HttpServer::Handed> given;
  for (const systemd::Socket& socket : handed) {
    if (socket.is_udp || (socket.name != "admin" && !socket.address.is_unix())) continue;
    if (given.empty()) listen.clear();
    given.push_back({socket.descriptor, socket.address});
    listen.push_back(socket.address);
  }
  admin_ = std::make_unique<control::Admin>(loop_, *control_, [this] {
    control::MetricsPage page = control::collect_metrics(
        *control_, traffic(workers_->counters(), serving_->answers()), prober_->counters());
    page.notify = notifier_->counts();
    page.load = prober_->load();
    return page;
  });
  Result<std::unique_ptr<control::HttpServer>> http = control::HttpServer::start(
      loop_, listen, given,
      [this](const control::HttpRequest& request, control::HttpResponder respond) {
        admin_->handle(request, std::move(respond));
      });
  if (!http) return http.error();
  http_ = std::move(*http);
  return Done{};
}

void Daemon::reload(const std::string& by) {
  log_info("reload asked for", {{"by", by}});
  control_->reload([](const control::Control::ReloadResult& result) {
    for (const std::string_view line : split(result.problems, '\n')) {
      if (!line.empty()) log_warning(line);
    }
  });
}

/// Piece by piece, so that a reload is read in between; until a newer generation is served.
void Daemon::sign_ahead(std::shared_ptr<zones::SignAhead> work, uint64_t generation) {
  auto is_over = std::make_shared<bool>(false);
  offload(
      [work, is_over] {
        const int64_t now = system_clock().wall().unix_milliseconds / 1000;
        *is_over = !work->advance(signed_ahead_at_once, static_cast<uint32_t>(now));
      },
      [this, work, generation, is_over] {
        if (!*is_over && serving_->current().snapshot->generation == generation)
          sign_ahead(work, generation);
      });
}

/// To read a million names must not delay one answer.
void Daemon::offload(std::function<void()> work, std::function<void()> done) {
  background_->run([this, work = std::move(work), done = std::move(done)] {
    work();
    loop_.post([this, done] {
      if (control_) done();
    });
  });
}

std::string Daemon::status_line() const {
  const zones::Model& model = control_->join().model();
  return "generation " + std::to_string(control_->snapshot().generation) + ", " +
         std::to_string(model.zones.size()) + " zones, " + std::to_string(model.services.size()) +
         " services";
}

/// Answers go on until the last: first the sockets that people wait at, the store at the end.
void Daemon::stop() {
  if (workers_) {
    systemd::stopping();
    log_info("stopping");
  }
  if (!deadline_) deadline_.emplace(stop_within);
  signals_.clear();
  timers_.clear();
  if (workers_) workers_->stop(tcp_grace);
  http_.reset();
  descriptions_.clear();
  admin_.reset();
  prober_.reset();
  notifier_.reset();
  workers_.reset();
  background_.reset();
  control_.reset();
  if (writer_ && !writer_->flush(flush_at_stop)) {
    log_warning("stopped with changes that the disk did not take",
                {{"waiting", std::to_string(writer_->state().waiting)}});
  }
  writer_.reset();
}

}  // namespace

Status run_daemon(const std::string& config_file) {
  // A peer that is gone is an error of the write that finds out.
  signal(SIGPIPE, SIG_IGN);
  // Until the loop hears it: who asks for a reload during the start gets the newest files anyway.
  signal(SIGHUP, SIG_IGN);
  raise_descriptor_limit();  // before anybody counts on it
  // What a large zone needed for a while goes back to the system at once: left to itself malloc raises this limit
  // with the first large block that is freed, and keeps the next ones in heaps full of holes.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  Result<std::string> text = read_file(config_file);
  if (!text) return text.error();
  LoadedConfig loaded = parse_config(config_file, *text);
  if (!loaded.problems.empty()) {
    for (const std::string_view line : split(loaded.problems, '\n')) {
      if (!line.empty()) log(loaded.config ? LogLevel::warning : LogLevel::error, line);
    }
  }
  if (!loaded.config) {
    return Error{ErrorCode::invalid, "the config has errors; nothing was started: " +
                                         loaded.problems.substr(0, loaded.problems.find('\n'))};
  }
  Daemon daemon(std::move(*loaded.config));
  if (Status started = daemon.start(std::move(*text)); !started) return started;
  daemon.run();
  daemon.stop();
  return Done{};
}

Checked check_config(const std::string& config_file) {
  const LoadedConfig loaded = load_config(config_file);
  Checked checked{loaded.config.has_value(), loaded.problems, {}};
  if (!loaded.config) return checked;
  checked.swing_times = swing_times_text(*loaded.config);
  const LoadedZones zones = load_zones(*loaded.config);
  checked.problems += zones.problems;
  const LoadedClients clients = load_clients(*loaded.config);
  checked.problems += clients.problems;
  checked.is_fine = zones.failed.empty() && clients.failed.empty();
  return checked;
}

}  // namespace swingover::server
