#include "runtime/cli/perf/fabric_tools.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace farpage::cli::perf {

using transport::Completion;
using transport::Fate;
using transport::Operation;

absl::Status FateStatus(Fate fate, NodeId peer) {
  if (fate == Fate::kOk) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("an operation on node ", peer.value(),
                                             " ended with: ", transport::FateName(fate)));
}

absl::Status RunChain(transport::Transport& transport, NodeId peer,
                      std::span<const Operation> chain) {
  Completion completion;
  Fate fate = transport.Post(peer, chain, &completion);
  if (fate == Fate::kPending) {
    std::array<Completion*, 1> done{};
    const bool ended = SpinUntil([&] { return transport.Poll(done) > 0; });
    // The chain still owns its buffers: declaring the peer failed ends it.
    if (!ended) transport.MarkPeerFailed(peer, "a chain did not end in time");
    fate = ended ? completion.fate : Fate::kTimedOut;
  }
  return FateStatus(fate, peer);
}

absl::Status WordLink::Signal(uint64_t value) {
  const std::array chain = {Operation::WriteWord(value, there_)};
  return FateStatus(transport_.Post(peer_, chain, nullptr), peer_);
}

absl::Status WordLink::Await(uint64_t value) {
  if (SpinUntil([&] { return Arrived(value); })) return absl::OkStatus();
  return FateStatus(Fate::kTimedOut, peer_);
}

}  // namespace farpage::cli::perf
