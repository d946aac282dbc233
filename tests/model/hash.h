// Fingerprints of states.
#ifndef FARPAGE_TESTS_MODEL_HASH_H_
#define FARPAGE_TESTS_MODEL_HASH_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace farpage::model {

__extension__ using Wide = unsigned __int128;

inline uint64_t Mix(uint64_t hash, uint64_t value) {
  const Wide product = static_cast<Wide>(hash ^ value) * 0x9E3779B97F4A7C15u;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^
         std::rotl(hash, 23);
}

inline uint64_t Hash(const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  uint64_t hash = 0xD1B54A32D192ED03u;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    uint64_t value;
    std::memcpy(&value, at, 8);
    hash = Mix(hash, value);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, at, bytes);
  return Mix(Mix(hash, rest), 0x2545F4914F6CDD1Du);
}

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_HASH_H_
