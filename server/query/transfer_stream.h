#pragma once

#include <cstdint>
#include <memory>

#include "server/query/message_stream.h"
#include "server/query/responder.h"
#include "zones/transfer.h"

namespace swingover::query {

/// A zone transfer as a session sends it. Holds the generation that it was begun in, so that the control thread, and
/// not the worker, frees that when it is over (base/published.h).
///
/// Threads  The worker's, whose counters and number of `running` ones it keeps; both outlive it.
class TransferStream : public MessageStream {
 public:
  TransferStream(std::shared_ptr<const Serving> serving, std::unique_ptr<zones::Transfer> transfer,
                 WorkerCounters& counters, uint32_t& running);
  ~TransferStream() override;

  size_t next(std::span<uint8_t> out) override;

 private:
  std::shared_ptr<const Serving> serving_;
  std::unique_ptr<zones::Transfer> transfer_;
  WorkerCounters& counters_;
  uint32_t& running_;
};

}  // namespace swingover::query
