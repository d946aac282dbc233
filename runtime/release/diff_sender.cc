#include "runtime/release/diff_sender.h"

#include <algorithm>

#include "runtime/release/diff.h"
#include "transport/full_fence.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

namespace {
constexpr uint64_t kFenceWord = uint64_t{DiffSender::kBuffers} * kPageBytes;
}

absl::StatusOr<std::unique_ptr<DiffSender>> DiffSender::Create(Cluster& cluster) {
  SymmetricMemory memory;
  const bool direct = cluster.transport().capabilities().direct_access;
  if (!direct) {
    absl::StatusOr<SymmetricMemory> allocated =
        cluster.AllocateSymmetric("diffs on their way", kFenceWord + sizeof(uint64_t));
    if (!allocated.ok()) return allocated.status();
    memory = *std::move(allocated);
  }
  std::unique_ptr<DiffSender> sender(new DiffSender(cluster, std::move(memory)));
  if (direct) return sender;
  Hold lock(sender->lock_);
  for (uint32_t buffer = 0; buffer < kBuffers; ++buffer) {
    sender->free_[sender->free_count_++] = buffer;
  }
  return sender;
}

uint32_t DiffSender::TryTakeBuffer(uint32_t spare) {
  if (memory_.own == nullptr) return 0;
  Hold lock(lock_);
  return free_count_ <= spare ? kNoBuffer : free_[--free_count_];
}

void DiffSender::ReturnBuffer(uint32_t buffer) {
  if (memory_.own == nullptr) return;
  Hold lock(lock_);
  free_[free_count_++] = buffer;
}

uint32_t DiffSender::Send(const Region& region, uint64_t index, const std::byte* now,
                          std::byte* twin, bool refresh, uint32_t buffer) {
  const NodeId home = region.homes.HomeOf(index);
  const uint64_t offset = region.homes.IndexAtHome(index) * kPageBytes;
  Counters& counters = cluster_.counters();
  uint32_t changed = 0;
  std::byte* frames = region.frame_views[home.value()];
  if (frames != nullptr) {
    changed = ApplyDiff(now, twin, refresh, frames + offset);
    if (cluster_.transport().peer_failed(home)) {
      unfenced_[home.value()].store(true, std::memory_order_relaxed);
    }
  } else {
    std::byte* copy = Buffer(buffer);
    CopyPage(copy, now);
    changed = Post(home, region.frames.remote[home.value()] + offset, copy, twin);
    if (refresh) CopyPage(twin, copy);
    unfenced_[home.value()].store(true, std::memory_order_release);
    Hold lock(lock_);
    sent_[sent_count_++] = buffer;
  }
  counters.Add(Counter::diffs);
  counters.Add(Counter::diff_bytes, changed);
  counters.Add(Counter::write_bytes, changed);
  return changed;
}

uint32_t DiffSender::Post(NodeId home, RemoteAddress frame, const std::byte* now,
                          const std::byte* twin) {
  constexpr size_t kChain = 32;
  std::array<Operation, kChain> chain;
  const size_t most = std::min<size_t>(kChain, cluster_.transport().capabilities().max_chain);
  size_t length = 0;
  uint32_t changed = 0;
  for (ByteRun run = NextRun(now, twin, 0); run.begin < run.end;
       run = NextRun(now, twin, run.end)) {
    const uint32_t bytes = run.end - run.begin;
    chain[length++] =
        Operation::Write(now + run.begin, memory_.own->local_key(), frame + run.begin, bytes);
    changed += bytes;
    if (length < most) continue;
    cluster_.fabric().Post(home, {chain.data(), length}, nullptr);  // a failed home: see Fence()
    length = 0;
  }
  if (length > 0) cluster_.fabric().Post(home, {chain.data(), length}, nullptr);
  return changed;
}

DiffSender::Fenced DiffSender::Fence() {
  SpinWait wait;
  while (!TryStartFence()) wait.Pause();  // for the end of one that is bounded itself
  RunFence();
  Hold lock(lock_);
  return std::exchange(lost_, {});
}

void DiffSender::TryFence() {
  if (TryStartFence()) RunFence();
}

void DiffSender::RunFence() {
  std::array<uint32_t, kBuffers> sent;
  uint32_t count = 0;
  {
    Hold lock(lock_);
    count = std::exchange(sent_count_, 0);
    std::copy_n(sent_.begin(), count, sent.begin());
  }
  transport::FullFence();
  Fenced found;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    if (!unfenced_[node].load(std::memory_order_relaxed)) continue;
    unfenced_[node].store(false, std::memory_order_relaxed);
    Fate fate = Fate::kPeerFailed;
    if (memory_.own != nullptr) {
      // One connection executes in order: when this has been read, all that was posted before is
      // where it should be.
      const Operation read =
          Operation::Read(memory_.own->data() + kFenceWord, memory_.own->local_key(),
                          memory_.remote[node] + kFenceWord, sizeof(uint64_t));
      fate = cluster_.fabric().Run(NodeId(node), {&read, 1}, cluster_.FetchDeadlineNs());
    }
    if (fate != Fate::kOk) found = {fate, NodeId(node)};
  }
  {
    Hold lock(lock_);
    for (uint32_t index = 0; index < count; ++index) free_[free_count_++] = sent[index];
    if (found.fate != Fate::kOk) lost_ = found;
  }
  fencing_.store(false, std::memory_order_release);
}

}  // namespace farpage::internal
