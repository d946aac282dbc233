// Zeroed pages of this process, to stand in for shared memory.
#ifndef FARPAGE_TESTS_SYNC_PLAIN_RANGE_H_
#define FARPAGE_TESTS_SYNC_PLAIN_RANGE_H_

#include <cstddef>
#include <cstring>
#include <new>

namespace farpage::internal {

class PlainRange {
 public:
  explicit PlainRange(size_t bytes)
      : data_(::operator new(bytes, std::align_val_t(kAlignment))), bytes_(bytes) {
    std::memset(data_, 0, bytes);
  }
  ~PlainRange() { ::operator delete(data_, std::align_val_t(kAlignment)); }
  PlainRange(const PlainRange&) = delete;
  PlainRange& operator=(const PlainRange&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kAlignment = 4096;
  void* const data_;
  const size_t bytes_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_TESTS_SYNC_PLAIN_RANGE_H_
