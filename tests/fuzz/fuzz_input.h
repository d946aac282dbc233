// Takes a fuzzer's bytes apart, from the front. When they are used up, numbers are zero.
#ifndef FARPAGE_TESTS_FUZZ_FUZZ_INPUT_H_
#define FARPAGE_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

namespace farpage::testing {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }

  template <std::unsigned_integral T>
  T Number() {
    T value{};
    const size_t bytes = std::min(sizeof value, rest_.size());
    if (bytes > 0) std::memcpy(&value, rest_.data(), bytes);
    rest_ = rest_.subspan(bytes);
    return value;
  }
  // 0 … limit − 1, from one byte. `limit` is 1 … 256.
  uint32_t Below(uint32_t limit) { return Number<uint8_t>() % limit; }
  bool Flag() { return (Number<uint8_t>() & 1) != 0; }
  // At most `most` bytes.
  std::string Bytes(size_t most) {
    const size_t bytes = std::min(most, rest_.size());
    std::string text(reinterpret_cast<const char*>(rest_.data()), bytes);
    rest_ = rest_.subspan(bytes);
    return text;
  }
  // As many as the first byte says.
  std::string ShortText() { return Bytes(Number<uint8_t>()); }
  std::string Rest() { return Bytes(rest_.size()); }

 private:
  std::span<const uint8_t> rest_;
};

// Stops the process: the fuzzer takes that for a finding.
inline void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "expected: %s\n", what);
  std::abort();
}

}  // namespace farpage::testing

// What libFuzzer calls, and tests/fuzz/replay_main.cc with the files of a corpus.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif  // FARPAGE_TESTS_FUZZ_FUZZ_INPUT_H_
