// How the processes of a litmus run stay together, and where they leave what they saw: memory of
// the host, not the memory under test.
#ifndef FARPAGE_TESTS_LITMUS_CONTROL_H_
#define FARPAGE_TESTS_LITMUS_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/history/shared_file.h"
#include "tests/litmus/sweep.h"

namespace farpage::litmus {

struct RunOptions {
  uint64_t seed = 1;
  uint32_t rounds = 1;
  uint32_t cold_rounds = 1;
  uint32_t longest_delay_ns = 300'000;
};

// Cells are numbered as in the sweep. The functions of threads end the process when others do not
// come within a minute.
class Control {
 public:
  static Control Create(const RunOptions& options);
  static Control Open(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const RunOptions& options() const { return *reinterpret_cast<const RunOptions*>(file_.data()); }
  const Sweep& sweep() const { return sweep_; }

  // Returns when all threads of the cell have come to the start line of the round.
  void AwaitStart(uint32_t cell, uint32_t round);
  void TellEnd(uint32_t cell, uint32_t round, uint32_t thread);
  void AwaitEnd(uint32_t cell, uint32_t round, uint32_t thread);

  void Keep(uint32_t cell, uint32_t round, uint32_t thread, std::span<const uint64_t> values);
  // What all reads of a round returned; nothing if the round did not end.
  std::optional<Values> Outcome(uint32_t cell, uint32_t round) const;

 private:
  struct Meeting {
    std::atomic<uint32_t> arrivals;
    std::atomic<uint32_t> ends[kMostThreads];  // rounds that the thread has ended
  };
  static constexpr size_t kRoundBytes = kMostThreads * kMostReads;

  explicit Control(history::SharedFile file);
  static size_t Bytes(const Sweep& sweep);
  Meeting& MeetingOf(uint32_t cell) const;
  uint8_t* RoundData(uint32_t cell, uint32_t round) const;

  history::SharedFile file_;
  Sweep sweep_;
  std::vector<size_t> first_round_;  // by cell
};

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_CONTROL_H_
