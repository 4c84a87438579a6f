#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/table.h"

namespace swingover::ctl {

enum ExitStatus : int { exit_done = 0, exit_refused = 1, exit_wrong_use = 2, exit_not_reached = 3 };

/// What one run of the tool works with.
struct Session {
  Client& client;
  const Clock& clock;
  std::ostream& out;     // results
  std::ostream& errors;  // what went wrong, one line as a rule
  Terminal terminal;     // of `out`
  bool json = false;     // the admin address's JSON instead of text
  std::string owner;     // who asks, for intents
};

/// What a person typed behind the verb: by the names of the verb's words and options.
class Arguments {
 public:
  void set(const std::string& name, std::string value) { values_[name] = std::move(value); }
  bool has(const std::string& name) const { return values_.contains(name); }
  /// Empty if it was not given.
  std::string operator[](const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }

 private:
  std::map<std::string, std::string> values_;
};

/// A word ("TARGET") or an option ("--reason") of a verb.
struct Argument {
  std::string name;
  std::string
      value;  // what an option's value is called in the help; empty for a word, and for an option without
  bool needed = false;
  std::string help;
};

struct Verb {
  std::string name;
  std::string help;
  std::vector<Argument> words;
  std::vector<Argument> options;
  int (*run)(Session&, const Arguments&);
};

/// Every verb of swingctl, in the order of its help: the one table of them.
const std::vector<Verb>& verbs();

}  // namespace swingover::ctl
