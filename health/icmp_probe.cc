#include "health/icmp_probe.h"

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "health/address_probe.h"
#include "health/echo_socket.h"

namespace swingover::health {

class IcmpProbes::Core {
 public:
  Core(loop::Loop& its_loop, Resolver& its_resolver)
      : loop(its_loop), resolver(its_resolver), v4(its_loop, true), v6(its_loop, false) {}
  EchoSocket& socket_for(const IpAddress& address) { return address.is_v4() ? v4 : v6; }

  loop::Loop& loop;
  Resolver& resolver;

 private:
  EchoSocket v4;
  EchoSocket v6;
};

namespace {

class IcmpProbe : public AddressProbe {
 public:
  IcmpProbe(IcmpProbes::Core& core, Milliseconds timeout, Done done)
      : AddressProbe(core.loop, core.resolver, timeout, std::move(done)), core_(core) {}
  ~IcmpProbe() override { forget(); }

 protected:
  void try_address(const IpAddress& address) override {
    socket_ = &core_.socket_for(address);
    const int error = socket_->open();
    if (error == EACCES || error == EPERM) {
      return fail(
          "no right to send echo requests: set net.ipv4.ping_group_range, or give CAP_NET_RAW",
          Failure::soft, false);
    }
    if (error != 0) return fail_errno("socket", error);
    const auto sent = socket_->send(address, [this](int problem) { on_answer(problem); });
    if (sent.error != 0) return fail_errno("send", sent.error);
    request_ = sent.request;
  }
  void close() override { forget(); }
  std::string_view doing() const override { return "waiting for an echo reply"; }

 private:
  void on_answer(int error) {
    request_.reset();
    error == 0 ? pass() : fail_errno("icmp", error);
  }
  void forget() {
    if (request_) socket_->forget(*std::exchange(request_, std::nullopt));
  }

  IcmpProbes::Core& core_;
  EchoSocket* socket_ = nullptr;
  std::optional<EchoSocket::Request> request_;
};

class IcmpTarget : public Target {
 public:
  IcmpTarget(IcmpProbes::Core& core, const Check& check)
      : core_(core), address_(check.address), timeout_(check.monitor->timeout) {}

  std::unique_ptr<Probe> start(Probe::Done done) override {
    auto probe = std::make_unique<IcmpProbe>(core_, timeout_, std::move(done));
    probe->begin(address_);
    return probe;
  }

 private:
  IcmpProbes::Core& core_;
  std::string address_;
  Milliseconds timeout_;
};

}  // namespace

IcmpProbes::IcmpProbes(loop::Loop& loop, Resolver& resolver)
    : core_(std::make_unique<Core>(loop, resolver)) {}

IcmpProbes::~IcmpProbes() = default;

std::unique_ptr<Target> IcmpProbes::make_target(const Check& check) {
  return std::make_unique<IcmpTarget>(*core_, check);
}

}  // namespace swingover::health
