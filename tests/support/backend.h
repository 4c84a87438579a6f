#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace swingover::tests {

/// tests/support/bad_backend.py, or another script that says its port alike, as a child process; ends with this object, or with the test.
class Backend {
 public:
  /// SWINGOVER_SOURCE_DIR is set for the tests that use it.
  explicit Backend(std::vector<std::string> arguments,
                   const std::string& script = "bad_backend.py") {
    int out[2];
    if (pipe(out) != 0) throw std::runtime_error("pipe");
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(out[1], STDOUT_FILENO);
      close(out[0]);
      close(out[1]);
      arguments.insert(arguments.begin(), SWINGOVER_SOURCE_DIR "/tests/support/" + script);
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(out[1]);
    FILE* lines = fdopen(out[0], "r");
    unsigned port = 0;
    unsigned control = 0;
    const int found = std::fscanf(lines, "port=%u control=%u", &port, &control);
    std::fclose(lines);
    if (found != 2) throw std::runtime_error(script + " did not start");
    port_ = static_cast<uint16_t>(port);
  }
  ~Backend() { end(); }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  uint16_t port() const { return port_; }
  /// As kill -9 does.
  void end() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
  uint16_t port_ = 0;
};

}  // namespace swingover::tests
