// How often a load returned what was stored, and how often what was there before.
#ifndef FARPAGE_TESTS_LITMUS_SYNC_TALLY_H_
#define FARPAGE_TESTS_LITMUS_SYNC_TALLY_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/litmus/sync_run.h"

namespace farpage::litmus {

// The counts of one back end.
class SyncTally {
 public:
  explicit SyncTally(std::string back_end) : back_end_(std::move(back_end)) {}

  struct Counts {
    uint64_t new_values = 0;
    uint64_t old_values = 0;
  };
  const std::string& back_end() const { return back_end_; }
  void Add(uint32_t cell, uint64_t new_values, uint64_t old_values);
  const Counts& Of(uint32_t cell) const { return counts_[cell]; }
  Counts OfShape(uint32_t shape) const;

  // Old values where the new one was owed, in words.
  std::vector<std::string> Violations() const;
  // Shapes of which an outcome that is possible was never seen, in words.
  std::vector<std::string> NeverSeen() const;

  std::string Summary() const;
  std::string ToJson() const;
  // Stops the process if the text is not what ToJson() makes.
  static SyncTally FromJson(const std::string& text);

 private:
  std::string back_end_;
  std::array<Counts, kSyncCells> counts_{};
};

// The documentation's table.
std::string MarkdownTable(const std::vector<SyncTally>& tallies);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SYNC_TALLY_H_
