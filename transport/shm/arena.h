// Which ranges of a segment are taken. Pure book-keeping; not thread-safe.
#ifndef FARPAGE_TRANSPORT_SHM_ARENA_H_
#define FARPAGE_TRANSPORT_SHM_ARENA_H_

#include <cstdint>
#include <map>
#include <optional>

namespace farpage::transport::shm {

// First fit over the free ranges in order of address; neighbours are joined when freed.
class Arena {
 public:
  Arena(uint64_t begin, uint64_t end) { free_[begin] = end - begin; }

  // Where `bytes` are now taken, or nothing if no free range is large enough.
  std::optional<uint64_t> Take(uint64_t bytes);
  void Return(uint64_t begin, uint64_t bytes);

  uint64_t free_bytes() const;
  uint64_t largest_free() const;

 private:
  std::map<uint64_t, uint64_t> free_;  // begin → bytes
};

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_ARENA_H_
