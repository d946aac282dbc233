#include "runtime/release/notice_log.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "transport/full_fence.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

absl::StatusOr<std::unique_ptr<NoticeLog>> NoticeLog::Create(Cluster& cluster, uint64_t bytes) {
  const uint64_t capacity = std::bit_ceil(bytes) / sizeof(uint64_t);
  absl::StatusOr<SymmetricMemory> memory = cluster.AllocateSymmetric(
      "log of pages written", sizeof(Header) + capacity * sizeof(uint64_t));
  if (!memory.ok()) return memory.status();
  absl::StatusOr<std::unique_ptr<transport::Memory>> landing =
      cluster.transport().Allocate(sizeof(Landing), "other nodes' logs");
  if (!landing.ok()) return landing.status();
  return std::unique_ptr<NoticeLog>(
      new NoticeLog(cluster, *std::move(memory), *std::move(landing), capacity));
}

NoticeLog::NoticeLog(Cluster& cluster, SymmetricMemory memory,
                     std::unique_ptr<transport::Memory> landing, uint64_t capacity)
    : cluster_(cluster),
      memory_(std::move(memory)),
      landing_(std::move(landing)),
      capacity_(capacity) {}

void NoticeLog::Append(std::span<const Notice> notices) {
  // Told before the first entry is overwritten.
  header().reserved.store(length_ + notices.size(), std::memory_order_seq_cst);
  transport::FullFence();
  for (const Notice& notice : notices) {
    entry(length_++).store(notice.Encode(), std::memory_order_relaxed);
  }
  // Whoever learns of the new length does so by a later write of this node.
  transport::FullFence();
  cluster_.counters().Add(Counter::notices_written, notices.size());
}

NoticeLog::Found NoticeLog::Read(NodeId node, uint64_t from, uint64_t to,
                                 std::vector<Notice>* notices) {
  const RemoteAddress header = memory_.remote[node.value()];
  const RemoteAddress ring = header + sizeof(Header);
  const transport::LocalKey key = landing_->local_key();
  while (from < to) {
    const uint64_t count = std::min<uint64_t>(to - from, kPieceEntries);
    const uint64_t begin = from & (capacity_ - 1);
    const uint64_t before_end = std::min(count, capacity_ - begin);
    std::array<Operation, 3> chain;
    size_t length = 0;
    chain[length++] = Operation::Read(landing().entries.data(), key, ring + begin * 8,
                                      static_cast<uint32_t>(before_end * 8));
    if (before_end < count) {
      chain[length++] = Operation::Read(landing().entries.data() + before_end, key, ring,
                                        static_cast<uint32_t>((count - before_end) * 8));
    }
    // Read last: if the entries were not being overwritten now, they were not when they were read.
    chain[length++] = Operation::Read(&landing().reserved, key, header, 8);
    const Fate fate =
        cluster_.fabric().Run(node, {chain.data(), length}, cluster_.FetchDeadlineNs());
    if (fate != Fate::kOk) return Found::kUnreachable;
    if (landing().reserved > from + capacity_) return Found::kOverrun;
    for (uint64_t index = 0; index < count; ++index) {
      notices->push_back(Notice::Decode(landing().entries[index]));
    }
    cluster_.counters().Add(Counter::notices_read, count);
    cluster_.counters().Add(Counter::read_bytes, count * sizeof(uint64_t));
    from += count;
  }
  return Found::kAll;
}

}  // namespace farpage::internal
