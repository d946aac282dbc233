// The states seen so far: a fingerprint and a way back each.
#ifndef FARPAGE_TESTS_MODEL_VISITED_H_
#define FARPAGE_TESTS_MODEL_VISITED_H_

#include <cstdint>
#include <utility>
#include <vector>

namespace farpage::model {

// An append-only hash set that numbers its members from 0.
class Visited {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  Visited() : table_(uint64_t{1} << 16, kNone) {}

  // The number of the member, and whether it is new; then `parent` is remembered with it.
  std::pair<uint32_t, bool> Insert(uint64_t fingerprint, uint32_t parent) {
    if (2 * fingerprints_.size() >= table_.size()) Grow();
    uint32_t& place = Find(fingerprint);
    if (place != kNone) return {place, false};
    place = static_cast<uint32_t>(fingerprints_.size());
    fingerprints_.push_back(fingerprint);
    parents_.push_back(parent);
    return {place, true};
  }

  uint64_t fingerprint(uint32_t number) const { return fingerprints_[number]; }
  uint32_t parent(uint32_t number) const { return parents_[number]; }
  uint64_t size() const { return fingerprints_.size(); }

 private:
  uint32_t& Find(uint64_t fingerprint) {
    const uint64_t mask = table_.size() - 1;
    uint64_t at = fingerprint & mask;
    while (table_[at] != kNone && fingerprints_[table_[at]] != fingerprint) at = (at + 1) & mask;
    return table_[at];
  }

  void Grow() {
    table_.assign(2 * table_.size(), kNone);
    for (uint32_t number = 0; number < fingerprints_.size(); ++number) {
      Find(fingerprints_[number]) = number;
    }
  }

  std::vector<uint64_t> fingerprints_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> table_;
};

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_VISITED_H_
