// Logs what log_test.cc looks for, on standard error.
#include "base/log.h"

using namespace swingover;

int main() {
  log_debug("dropped at first");
  log_info("endpoint changed",
           {{"service", "shop"}, {"from", "up"}, {"reason", "connect timed out"}});
  log_warning("two\nlines", {{"empty", ""}, {"quotes", "a\"b\\c"}, {"equals", "a=b"}});
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  log_error("every byte", {{"text", all}});
  log_info("{} %n {:99}", {{"text", "{}%s%n"}});
  set_log_level(LogLevel::error);
  log_warning("dropped at last");
  set_log_level(LogLevel::debug);
  log_debug("kept");
}
