// Takes changed bytes of pages to their homes.
#ifndef FARPAGE_RUNTIME_RELEASE_DIFF_SENDER_H_
#define FARPAGE_RUNTIME_RELEASE_DIFF_SENDER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "runtime/cluster.h"
#include "runtime/engine/region.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"

namespace farpage::internal {

// Where peers' frames are mapped here, bytes are stored into them. Elsewhere they are copied into a
// registered buffer and written from there, unsignalled; Fence() finds out that they have arrived.
// Thread-safe; signal-safe but for Create().
class DiffSender {
 public:
  static absl::StatusOr<std::unique_ptr<DiffSender>> Create(Cluster& cluster);

  // Pages that can be on their way at once; Send() needs a buffer for each.
  static constexpr uint32_t kBuffers = 64;
  // A buffer's number; none if no more than `spare` are free. On mapped frames there is no need for
  // buffers, and always one.
  static constexpr uint32_t kNoBuffer = UINT32_MAX;
  uint32_t TryTakeBuffer(uint32_t spare = 0);
  void ReturnBuffer(uint32_t buffer);  // that was not used

  // Sends the bytes of a page, seen at `now`, that differ from `twin`, and returns how many they
  // are. Takes the buffer. As ApplyDiff() with regard to `refresh` and to writes under way. What is
  // sent to a home that has failed is lost: the next fence says so.
  uint32_t Send(const Region& region, uint64_t index, const std::byte* now, std::byte* twin,
                bool refresh, uint32_t buffer);

  // Returns when everything that was sent before is in its frame, and gives its buffers back.
  // kPeerFailed and the node if a home has failed since this was last asked.
  struct Fenced {
    transport::Fate fate = transport::Fate::kOk;
    NodeId peer;
  };
  Fenced Fence();
  // The same for the buffers' sake; unless another thread is at it already.
  void TryFence();

 private:
  DiffSender(Cluster& cluster, SymmetricMemory memory)
      : cluster_(cluster), memory_(std::move(memory)) {}
  // From TryStartFence() to the end of RunFence() one thread has the word that is read, and
  // unfenced_.
  bool TryStartFence() { return !fencing_.exchange(true, std::memory_order_acquire); }
  void RunFence();
  uint32_t Post(NodeId home, transport::RemoteAddress frame, const std::byte* now,
                const std::byte* twin);
  std::byte* Buffer(uint32_t buffer) const {
    return memory_.own->data() + size_t{buffer} * kPageBytes;
  }

  Cluster& cluster_;
  // kBuffers pages and a word that others read; nothing where frames are mapped.
  const SymmetricMemory memory_;
  SpinLock lock_;
  std::array<uint32_t, kBuffers> free_ ABSL_GUARDED_BY(lock_);
  uint32_t free_count_ ABSL_GUARDED_BY(lock_) = 0;
  std::array<uint32_t, kBuffers> sent_ ABSL_GUARDED_BY(lock_);
  uint32_t sent_count_ ABSL_GUARDED_BY(lock_) = 0;
  Fenced lost_ ABSL_GUARDED_BY(lock_);  // found by a fence, and not yet told
  std::atomic<bool> fencing_{false};
  std::array<std::atomic<bool>, kMaxNodes> unfenced_{};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_DIFF_SENDER_H_
