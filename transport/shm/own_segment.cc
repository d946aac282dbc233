#include "transport/shm/own_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/shm/set_up_error.h"

namespace farpage::transport::shm {

class ShmMemory final : public Memory {
 public:
  ShmMemory(std::shared_ptr<OwnSegment> owner, RemoteAddress remote, uint64_t bytes)
      : owner_(std::move(owner)) {
    data_ = owner_->segment().base + remote.address;
    size_ = bytes;
    local_key_.value = remote.key.value;
    remote_ = remote;
    fd_ = owner_->fd();
    fd_offset_ = remote.address;
  }
  ~ShmMemory() override { owner_->Free(remote_, size_); }

 private:
  const std::shared_ptr<OwnSegment> owner_;
};

absl::StatusOr<Mapping> Mapping::Map(int fd, uint64_t bytes) {
  void* const base =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (base == MAP_FAILED) {
    const absl::Status why = SetUpError("mmap");
    return absl::Status(why.code(), absl::StrCat("mapping ", bytes, " bytes: ", why.message()));
  }
  // A core dump would walk all of a mostly empty terabyte.
  ::madvise(base, bytes, MADV_DONTDUMP);
  return Mapping(Segment{static_cast<std::byte*>(base), bytes});
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    Unmap();
    segment_ = std::exchange(other.segment_, {});
  }
  return *this;
}

void Mapping::Unmap() {
  if (segment_.base != nullptr) ::munmap(segment_.base, segment_.bytes);
  segment_ = {};
}

absl::StatusOr<std::shared_ptr<OwnSegment>> OwnSegment::Create(NodeId self, uint32_t nodes,
                                                               uint32_t mailbox_slots,
                                                               uint64_t bytes) {
  const std::string name = absl::StrCat("farpage-node-", self.value());
  OwnedFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) return SetUpError("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return SetUpError("ftruncate");
  // Nobody can pull memory from under the others: an access never ends in SIGBUS.
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return SetUpError("F_ADD_SEALS");
  }
  absl::StatusOr<Mapping> mapping = Mapping::Map(fd.get(), bytes);
  if (!mapping.ok()) return mapping.status();

  SegmentHeader& header = mapping->segment().header();
  header.magic = kMagic;
  header.version = kLayoutVersion;
  header.nodes = nodes;
  header.mailbox_slots = mailbox_slots;
  header.node = self.value();
  header.bytes = bytes;
  return std::shared_ptr<OwnSegment>(
      new OwnSegment(self, std::move(fd), *std::move(mapping), ArenaOffset(nodes, mailbox_slots)));
}

OwnSegment::OwnSegment(NodeId self, OwnedFd fd, Mapping mapping, uint64_t arena_begin)
    : self_(self),
      fd_(std::move(fd)),
      mapping_(std::move(mapping)),
      arena_(arena_begin, mapping_.segment().bytes) {}

absl::StatusOr<std::unique_ptr<Memory>> OwnSegment::Allocate(size_t bytes,
                                                             std::string_view purpose) {
  const std::string what =
      absl::StrCat("node ", self_.value(), ": ", bytes, " bytes for '", std::string(purpose), "'");
  if (bytes == 0) return absl::InvalidArgumentError(absl::StrCat(what, ": nothing to allocate"));
  Hold lock(mutex_);
  const bool fresh = keys_used_ < kKeys;
  if (!fresh && free_keys_.empty()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        what, ": all ", kKeys, " allocations a node can have are in use; make fewer, larger ones"));
  }
  // Sizes near the end of the number range must not wrap when rounded.
  const std::optional<uint64_t> begin =
      bytes > segment().bytes ? std::nullopt : arena_.Take(RoundUpToPages(bytes));
  if (!begin.has_value()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        what, " do not fit: a node reserves ", segment().bytes, ", of which ", arena_.free_bytes(),
        " are free, ", arena_.largest_free(), " in one piece; raise ShmOptions::reserve_bytes"));
  }
  const uint64_t size = RoundUpToPages(bytes);
  const FreeKey free = fresh ? FreeKey{keys_used_++, 1} : free_keys_.front();
  if (!fresh) free_keys_.pop_front();
  const RemoteAddress remote{*begin, MakeKey(free.index, self_, free.generation), 0};
  KeyEntry& entry = segment().header().keys[free.index];
  entry.begin.store(*begin, std::memory_order_relaxed);
  entry.end.store(*begin + size, std::memory_order_relaxed);
  entry.key.store(remote.key.value, std::memory_order_release);
  return std::make_unique<ShmMemory>(shared_from_this(), remote, size);
}

void OwnSegment::Free(RemoteAddress memory, uint64_t bytes) {
  const uint32_t index = memory.key.value & (kKeys - 1);
  const uint32_t generation = memory.key.value >> (kKeyIndexBits + kKeyNodeBits);
  KeyEntry& entry = segment().header().keys[index];
  entry.key.store(0, std::memory_order_seq_cst);
  entry.end.store(0, std::memory_order_seq_cst);  // so that key 0 names nothing
  // Gives the pages back, and makes them zeros for the next allocation.
  ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
              static_cast<off_t>(memory.address), static_cast<off_t>(bytes));
  Hold lock(mutex_);
  arena_.Return(memory.address, bytes);
  free_keys_.push_back({index, generation % kKeyGenerations + 1});
}

}  // namespace farpage::transport::shm
