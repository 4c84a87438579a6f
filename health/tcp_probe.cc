#include "health/tcp_probe.h"

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "health/probe_words.h"
#include "health/stream.h"

namespace swingover::health {

namespace {

constexpr size_t answer_max = size_t{64} * 1024;

/// What one check's probes share.
struct Look {
  std::shared_ptr<const MonitorOptions> monitor;
  std::string address;
};

class TcpProbe final : public Probe, private Stream::User {
 public:
  TcpProbe(StreamWorld& world, const Look& look, std::unique_ptr<TlsClient> tls, Done done)
      : look_(look), done_(std::move(done)), began_(system_clock().now()) {
    const MonitorOptions& monitor = *look_.monitor;
    stream_.emplace(world, Stream::To{look_.address, monitor.port, monitor.timeout}, std::move(tls),
                    static_cast<Stream::User&>(*this));
  }

 private:
  const MonitorOptions& monitor() const { return *look_.monitor; }

  void on_open() override {
    Finding finding;
    if (stream_->tls()) judge_certificate(*stream_->tls(), monitor(), finding);
    if (finding.verdict == Verdict::fail) return finish(std::move(finding));
    warning_ = std::move(finding.warning);
    if (!monitor().send.empty()) stream_->send(monitor().send.value);
    if (monitor().expect.empty()) pass();
  }

  void on_data(std::string_view octets) override {
    const std::string& wanted = monitor().expect.value;
    const size_t overlap = std::min(answer_.size(), wanted.size() - 1);
    const size_t from = answer_.size() - overlap;
    answer_.append(octets.substr(0, answer_max - answer_.size()));
    if (answer_.find(wanted, from) != std::string::npos) return pass();
    if (answer_.size() < answer_max) return;
    finish({.verdict = Verdict::fail,
            .reason = "the first 64 KiB lack " + quoted_words(monitor().expect.value)});
  }

  void on_end(const Stream::End& end) override {
    const std::string wanted = quoted_words(monitor().expect.value);
    Finding finding = finding_of(end, monitor().timeout, "waiting for " + wanted);
    if (end.how == Stream::End::How::closed && end.doing.empty()) {
      finding.reason = "closed by the other end before " + wanted + " came";
    }
    finish(std::move(finding));
  }

  void pass() { finish({.verdict = Verdict::pass, .reason = {}, .warning = std::move(warning_)}); }

  void finish(Finding finding) {
    stream_.reset();
    finding.duration_nanoseconds = system_clock().now().nanoseconds - began_.nanoseconds;
    const Done done = std::move(done_);  // may destroy this
    done(std::move(finding));
  }

  const Look& look_;
  Done done_;
  MonotonicTime began_;
  std::string answer_;
  std::string warning_;
  std::optional<Stream> stream_;
};

class TcpTarget final : public Target {
 public:
  TcpTarget(StreamWorld& world, const Check& check)
      : world_(world), look_{check.monitor, check.address}, host_(check.host) {
    if (check.monitor->kind == MonitorKind::tls) {
      tls_ = world.tls.of({check.monitor->tls_verify, check.monitor->tls_ca_file});
    }
    if (host_.empty()) host_ = check.address;
  }

  std::unique_ptr<Probe> start(Probe::Done done) override {
    std::unique_ptr<TlsClient> tls;
    if (tls_) {
      tls = tls_->connect(host_, {}, system_clock().now());
      if (!tls) return ended_probe(world_.loop, not_looked(tls_->problem()), std::move(done));
    }
    return std::make_unique<TcpProbe>(world_, look_, std::move(tls), std::move(done));
  }

 private:
  StreamWorld& world_;
  Look look_;
  std::string host_;
  std::shared_ptr<TlsContext> tls_;
};

}  // namespace

std::unique_ptr<Target> make_tcp_target(StreamWorld& world, const Check& check) {
  return std::make_unique<TcpTarget>(world, check);
}

}  // namespace swingover::health
