// The states whose successors are still to be found, in the order in which they were found.
#ifndef FARPAGE_TESTS_MODEL_FRONTIER_H_
#define FARPAGE_TESTS_MODEL_FRONTIER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <type_traits>

namespace farpage::model {

// A queue of worlds, kept in few bytes: a bit for each of their bytes, and those that are not zero.
template <typename World>
class Frontier {
 public:
  static_assert(std::has_unique_object_representations_v<World>, "kept as bytes");

  void Push(const World& world) {
    if (blocks_.empty() || blocks_.back().size() > kBlockBytes) blocks_.emplace_back();
    Compress(world, blocks_.back());
    ++count_;
  }
  World Pop() {
    World world;
    at_ += Decompress(blocks_.front().data() + at_, world);
    if (at_ == blocks_.front().size() && (blocks_.size() > 1 || count_ == 1)) {
      blocks_.pop_front();
      at_ = 0;
    }
    --count_;
    return world;
  }
  bool empty() const { return count_ == 0; }

 private:
  static constexpr size_t kBlockBytes = size_t{1} << 20;

  static void Compress(const World& world, std::string& out) {
    const auto* bytes = reinterpret_cast<const char*>(&world);
    const size_t start = out.size();
    out.append((sizeof(World) + 7) / 8, '\0');
    for (size_t index = 0; index < sizeof(World); ++index) {
      if (bytes[index] == 0) continue;
      out[start + index / 8] = static_cast<char>(out[start + index / 8] | 1 << index % 8);
      out.push_back(bytes[index]);
    }
  }

  // Returns how many bytes were used.
  static size_t Decompress(const char* bytes, World& world) {
    auto* out = reinterpret_cast<char*>(&world);
    const char* next = bytes + (sizeof(World) + 7) / 8;
    for (size_t index = 0; index < sizeof(World); ++index) {
      out[index] = (bytes[index / 8] >> index % 8 & 1) != 0 ? *next++ : '\0';
    }
    return static_cast<size_t>(next - bytes);
  }

  std::deque<std::string> blocks_;
  size_t at_ = 0;
  uint64_t count_ = 0;
};

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_FRONTIER_H_
