// Who wrote what: a log per node, which the others read one-sidedly.
#ifndef FARPAGE_RUNTIME_RELEASE_NOTICE_LOG_H_
#define FARPAGE_RUNTIME_RELEASE_NOTICE_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/cluster.h"
#include "runtime/engine/region.h"

namespace farpage::internal {

// Pages first … first + pages − 1 have been written.
struct Notice {
  static constexpr uint32_t kMostPages = 1 << 16;
  PageId first;
  uint32_t pages = 1;  // 1 … kMostPages

  constexpr uint64_t Encode() const { return first.value << 16 | (pages - 1); }
  static constexpr Notice Decode(uint64_t word) {
    return {{word >> 16}, static_cast<uint32_t>(word & 0xFFFF) + 1};
  }
  friend constexpr bool operator==(const Notice&, const Notice&) = default;
};

// A ring of entries in every node's registered memory; entry number n lies at n modulo the ring's
// size. One thread at a time appends and reads.
class NoticeLog {
 public:
  // Collective. `bytes` is rounded up to a power of two.
  static absl::StatusOr<std::unique_ptr<NoticeLog>> Create(Cluster& cluster, uint64_t bytes);

  // Entries that this node has appended.
  uint64_t length() const { return length_; }
  uint64_t capacity() const { return capacity_; }

  void Append(std::span<const Notice> notices);

  enum class Found : uint8_t {
    kAll,
    kOverrun,      // some have been overwritten since
    kUnreachable,  // the node has failed
  };
  // Adds entries number from … to − 1 of another node's log to `notices`. If not all were found,
  // what was added is of no use. Cost: a chain of two or three READs per 512 entries.
  Found Read(NodeId node, uint64_t from, uint64_t to, std::vector<Notice>* notices);

 private:
  // In registered memory, followed by the ring.
  struct alignas(64) Header {
    // Entries below this number are appended or being appended: those that lie a ring's size or
    // more before it may be overwritten.
    std::atomic<uint64_t> reserved;
  };
  static constexpr uint32_t kPieceEntries = 512;
  // Where others' entries land.
  struct Landing {
    std::array<uint64_t, kPieceEntries> entries;
    alignas(64) uint64_t reserved;
  };

  NoticeLog(Cluster& cluster, SymmetricMemory memory, std::unique_ptr<transport::Memory> landing,
            uint64_t capacity);
  Header& header() const { return *reinterpret_cast<Header*>(memory_.own->data()); }
  std::atomic<uint64_t>& entry(uint64_t number) const {
    return reinterpret_cast<std::atomic<uint64_t>*>(memory_.own->data() +
                                                    sizeof(Header))[number & (capacity_ - 1)];
  }
  Landing& landing() const { return *reinterpret_cast<Landing*>(landing_->data()); }

  Cluster& cluster_;
  const SymmetricMemory memory_;
  const std::unique_ptr<transport::Memory> landing_;
  const uint64_t capacity_;  // entries; a power of two
  uint64_t length_ = 0;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_NOTICE_LOG_H_
