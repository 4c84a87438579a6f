#include "server/query/transfer_stream.h"

#include <utility>

#include "base/clock.h"

namespace swingover::query {

TransferStream::TransferStream(std::shared_ptr<const Serving> serving,
                               std::unique_ptr<zones::Transfer> transfer, WorkerCounters& counters,
                               uint32_t& running)
    : serving_(std::move(serving)),
      transfer_(std::move(transfer)),
      counters_(counters),
      running_(running) {
  ++running_;
}

TransferStream::~TransferStream() {
  --running_;
  const bool is_complete = transfer_->is_complete();
  auto& ends = counters_.transfers;
  (is_complete ? ends[static_cast<size_t>(transfer_->form())] : ends.back()).add();
}

size_t TransferStream::next(std::span<uint8_t> out) {
  const int64_t now = system_clock().wall().unix_milliseconds / 1000;
  return transfer_->next(out, static_cast<uint64_t>(now));
}

}  // namespace swingover::query
