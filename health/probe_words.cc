#include "health/probe_words.h"

#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/loop/timer.h"
#include "health/monitor_file.h"

namespace swingover::health {

namespace {

class EndedProbe : public Probe {
 public:
  EndedProbe(loop::Loop& loop, Finding finding, Done done)
      : timer_(loop, [finding = std::move(finding), done = std::move(done)] {
          const Done tell = done;  // this probe may be gone before it returns
          tell(finding);
        }) {
    timer_.start_once(Milliseconds(0));
  }

 private:
  loop::Timer timer_;
};

}  // namespace

std::string errno_words(int error) {
  std::string words = std::generic_category().message(error);
  if (!words.empty())
    words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  return words;
}

std::string timeout_words(Milliseconds timeout, std::string_view doing) {
  return "timed out after " + duration_text(timeout) + " while " + std::string(doing);
}

Finding timed_out(Milliseconds timeout, std::string_view doing) {
  return {.verdict = Verdict::fail,
          .reason = timeout_words(timeout, doing),
          .failure = Failure::silent};
}

bool is_own_trouble(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL;
}

Failure failure_of(int error) {
  const bool is_answer = error == ECONNREFUSED || error == ECONNRESET || error == EHOSTUNREACH ||
                         error == ENETUNREACH || error == EHOSTDOWN;
  return is_answer ? Failure::hard : Failure::soft;
}

std::string quoted_words(std::string_view octets) {
  constexpr size_t shown_max = 40;
  const std::string text = Form<Octets>::text({std::string(octets.substr(0, shown_max))});
  return '"' + text + (octets.size() > shown_max ? "…\"" : "\"");
}

std::unique_ptr<Probe> ended_probe(loop::Loop& loop, Finding finding, Probe::Done done) {
  return std::make_unique<EndedProbe>(loop, std::move(finding), std::move(done));
}

}  // namespace swingover::health
