#include "farpage/flag.h"

#include <utility>

#include "runtime/sync/signal_flag.h"

namespace farpage {

Flag::Flag(std::shared_ptr<internal::SignalFlag> flag) : flag_(std::move(flag)) {}

uint32_t Flag::waiting_node() const { return flag_->waiting_node().value(); }
absl::Status Flag::Set(uint64_t value) { return flag_->Set(value); }
absl::StatusOr<uint64_t> Flag::WaitUntil(uint64_t value) { return flag_->WaitUntil(value); }

}  // namespace farpage
