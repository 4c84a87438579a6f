// Commits to the store in the folder of its argument until it is killed; prints each revision once it is
// acknowledged. Every batch writes its number into two tables, so that half a batch can be seen.
#include <cstdio>
#include <string>

#include "store/rocks_store.h"

using namespace swingover::store;

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto store = open_rocks_store(arguments[1]);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  for (;;) {
    const std::string number = std::to_string((*store)->revision() + 1);
    Batch batch;
    batch.put(Table::state, "row/" + number, number);
    batch.put(Table::state, "newest", number);
    batch.put(Table::journal, "newest", number + std::string(20'000, ' '));
    const auto revision = (*store)->commit(batch);
    if (!revision) return 1;
    std::printf("%llu\n", static_cast<unsigned long long>(*revision));
    std::fflush(stdout);
  }
}
