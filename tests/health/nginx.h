#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/counterpart.h"

namespace swingover::tests {

/// nginx with HTTP/2 on two ports, one of them over TLS. "/" tells what it was asked, "/fail" is 503.
class Nginx {
 public:
  Nginx(const std::string& address, const std::string& certificate, const std::string& key) {
    char name[] = "/tmp/swingover-nginx-XXXXXX";
    folder_ = mkdtemp(name);
    plain_port_ = free_port(address);
    do {
      tls_port_ = free_port(address);
    } while (tls_port_ == plain_port_);
    std::ofstream(folder_ + "/conf")
        << "daemon off; master_process off; pid " << folder_
        << "/pid;\nevents {}\nhttp { access_log off; server {\nlisten " << address << ':'
        << plain_port_ << " http2;\nlisten " << address << ':' << tls_port_
        << " ssl http2;\nssl_certificate " << certificate << ";\nssl_certificate_key " << key
        << R"(;
location / { return 200 "asked in $server_protocol for $host"; }
location /empty { return 200 ""; }
location /fail { return 503; }
} })";
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const std::string log = folder_ + "/log";
      const std::string conf = folder_ + "/conf";
      execl("/usr/sbin/nginx", "nginx", "-p", folder_.c_str(), "-e", log.c_str(), "-c",
            conf.c_str(), nullptr);
      _exit(127);
    }
    wait_for(address);
  }
  ~Nginx() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  uint16_t plain_port() const { return plain_port_; }
  uint16_t tls_port() const { return tls_port_; }

 private:
  static uint16_t free_port(const std::string& address) {
    const Listener listener(address);
    return listener.port();
  }
  void wait_for(const std::string& address) const {
    sockaddr_storage to{};
    const unsigned size = to_sockaddr(*parse_ip_address(address), tls_port_, to);
    for (int i = 0; i < 1000; ++i) {
      const int made = socket(to.ss_family, SOCK_STREAM, 0);
      const bool is_there = connect(made, reinterpret_cast<const sockaddr*>(&to), size) == 0;
      close(made);
      if (is_there) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("nginx does not start: see " + folder_ + "/log");
  }

  std::string folder_;
  uint16_t plain_port_ = 0;
  uint16_t tls_port_ = 0;
  pid_t child_ = 0;
};

}  // namespace swingover::tests
