#include "health/udp_probe.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "health/address_probe.h"
#include "health/datagram_socket.h"
#include "health/probe_words.h"

namespace swingover::health {

namespace {

class UdpProbe : public AddressProbe {
 public:
  UdpProbe(loop::Loop& loop, Resolver& resolver, const UdpTargetOptions& options, Done done)
      : AddressProbe(loop, resolver, options.timeout, std::move(done)), options_(options) {}

 protected:
  void try_address(const IpAddress& address) override {
    socket_.emplace(loop(), address, options_.port, [this] { on_ready(); });
    if (socket_->error() != 0) return fail_errno("socket", socket_->error());
    if (const int error = socket_->send(options_.send); error != 0) fail_errno("send", error);
  }
  void close() override { socket_.reset(); }
  std::string_view doing() const override { return "waiting for an answer"; }

  bool passes_in_silence() const override { return options_.expect.empty(); }

 private:
  void on_ready() {
    std::array<char, 65536> answer;  // NOLINT: filled by the kernel
    const auto [size, error] = socket_->receive(answer);
    if (error != 0) return fail_errno("udp", error);
    if (!size) return;
    const std::string_view text(answer.data(), *size);
    if (text.find(options_.expect) != std::string_view::npos) return pass();
    fail("answer lacks " + quoted_words(options_.expect) + ": " + quoted_words(text));
  }

  const UdpTargetOptions& options_;  // of the target, which outlives its probes
  std::optional<DatagramSocket> socket_;
};

class UdpTarget : public Target {
 public:
  UdpTarget(loop::Loop& loop, Resolver& resolver, UdpTargetOptions options)
      : loop_(loop), resolver_(resolver), options_(std::move(options)) {}

  std::unique_ptr<Probe> start(Probe::Done done) override {
    auto probe = std::make_unique<UdpProbe>(loop_, resolver_, options_, std::move(done));
    probe->begin(options_.address);
    return probe;
  }

 private:
  loop::Loop& loop_;
  Resolver& resolver_;
  UdpTargetOptions options_;
};

}  // namespace

std::unique_ptr<Target> make_udp_target(loop::Loop& loop, Resolver& resolver,
                                        UdpTargetOptions options) {
  return std::make_unique<UdpTarget>(loop, resolver, std::move(options));
}

}  // namespace swingover::health
