#include "health/file_probe.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "probe_runner.h"
#include "tests/support/temporary_folder.h"

namespace swingover::health {

namespace {

struct Files : ProbeRunner {
  Finding look(const std::string& name, std::optional<Milliseconds> max_age = {},
               const std::string& address = "192.0.2.1") {
    MonitorOptions monitor;
    monitor.name = "own";
    monitor.kind = MonitorKind::file;
    monitor.file = folder.path() + '/' + name;
    monitor.max_age = max_age;
    monitor.timeout = Milliseconds(8000);
    const auto target =
        probes.make_target({std::make_shared<const MonitorOptions>(monitor), address, {}, {}});
    return run(*target);
  }
  Finding look_at(const std::string& content) {
    write("verdict", content);
    return look("verdict");
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder.path() + '/' + name) << content;
  }
  tests::TemporaryFolder folder;
  FileProbes probes{loop};
};

}  // namespace

TEST_CASE("a file that says up passes", "[file_probe]") {
  Files files;
  for (const char* content : {"up", "up\n", " UP since noon\nand more\n", "up\tx"}) {
    const Finding found = files.look_at(content);
    CHECK(found.reason.empty());
    CHECK(found.verdict == Verdict::pass);
    CHECK(found.duration_nanoseconds > 0);
  }
}

TEST_CASE("a file that says anything else fails in words", "[file_probe]") {
  Files files;
  const std::string path = files.folder.path() + "/verdict";
  const auto reason = [&](const std::string& content) {
    const Finding found = files.look_at(content);
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::soft);
    CHECK(found.looked);
    return found.reason;
  };
  CHECK(reason("down") == "the file says down");
  CHECK(reason("Down  for maintenance \nx") == "the file says down: for maintenance");
  CHECK(reason("down \x1b[2J") == "the file says down: \\x1b[2J");
  CHECK(reason("upper") == path + " says \"upper\", wanted \"up\" or \"down\"");
  CHECK(reason("") == path + " says nothing, wanted \"up\" or \"down\"");
  CHECK(reason("\nup") == path + " says nothing, wanted \"up\" or \"down\"");
  CHECK(reason(std::string(10'000, 'x')) ==
        path + " says \"" + std::string(200, 'x') + "…\", wanted \"up\" or \"down\"");
}

TEST_CASE("a file that is not there fails, and passes once it is", "[file_probe]") {
  Files files;
  const Finding found = files.look("new");
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.looked);
  CHECK(found.reason == "there is no file " + files.folder.path() + "/new");
  files.write("new", "up");
  CHECK(files.look("new").verdict == Verdict::pass);
}

TEST_CASE("what is no file is not waited for", "[file_probe]") {
  Files files;
  const std::string pipe = files.folder.path() + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(files.look("pipe").reason == pipe + " is not a file");
  REQUIRE(mkdir((files.folder.path() + "/folder").c_str(), 0700) == 0);
  const Finding folder = files.look("folder");
  CHECK(folder.reason == files.folder.path() + "/folder: is a directory");
  CHECK_FALSE(folder.looked);
}

TEST_CASE("a file that was written too long ago fails, whatever it says", "[file_probe]") {
  Files files;
  files.write("verdict", "up");
  const std::string path = files.folder.path() + "/verdict";
  CHECK(files.look("verdict", Milliseconds(60'000)).verdict == Verdict::pass);
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(61));
  const Finding found = files.look("verdict", Milliseconds(60'000));
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.looked);
  CHECK(found.reason == path + " was written longer ago than 1m");
  CHECK(files.look("verdict").verdict == Verdict::pass);
}

TEST_CASE("{address} in a file's path is the endpoint's address", "[file_probe]") {
  Files files;
  files.write("a-192.0.2.7", "up");
  files.write("b-2001:db8::1", "down: 2001:db8::1");
  CHECK(files.look("a-{address}", {}, "192.0.2.7").verdict == Verdict::pass);
  CHECK(files.look("a-{address}", {}, "192.0.2.8").reason ==
        "there is no file " + files.folder.path() + "/a-192.0.2.8");
  CHECK(files.look("b-{address}", {}, "2001:db8::1").verdict == Verdict::fail);
}

TEST_CASE("many files are read in their order, and what is cancelled is silent", "[file_probe]") {
  Files files;
  MonitorOptions monitor;
  monitor.name = "own";
  monitor.kind = MonitorKind::file;
  monitor.file = files.folder.path() + "/verdict";
  files.write("verdict", "up");
  const auto target = files.probes.make_target(
      {std::make_shared<const MonitorOptions>(monitor), "192.0.2.1", {}, {}});
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<int> told;
  for (int i = 0; i < 100; ++i) {
    probes.push_back(target->start([&, i](const Finding& found) {
      CHECK(found.verdict == Verdict::pass);
      told.push_back(i);
    }));
  }
  for (size_t i = 1; i < probes.size(); i += 2) probes[i].reset();
  CHECK(files.loop.run_until([&] { return told.size() == 50; }, 10'000));
  files.loop.run_until([] { return false; }, 20);
  CHECK(told.size() == 50);
  CHECK(std::ranges::is_sorted(told));
}

}  // namespace swingover::health
