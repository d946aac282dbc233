// Which outcomes of a small program a memory model allows, by looking for the orders in which the
// model's definition says that everything must have happened. Exhaustive.
#ifndef FARPAGE_TESTS_LITMUS_MODELS_H_
#define FARPAGE_TESTS_LITMUS_MODELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace farpage::litmus {

// A view is a total order in which every read returns the latest write before it. An execution is
// allowed if there is …
enum class Model : uint8_t {
  kLinearizable,    // a view of all operations that keeps program order and real time
  kSequential,      // a view of all operations that keeps program order
  kCausalCoherent,  // as kCausal, and all views agree on the order of each location's writes
  kCausal,          // for each thread, a view of its operations and all writes that keeps program
                    // order and reads-from, together, which must have no cycle
  kPram,            // for each thread, a view of its operations and all writes that keeps program
                    // order
};
inline constexpr size_t kModels = 5;
inline constexpr std::array<Model, kModels> kAllModels = {
    Model::kLinearizable, Model::kSequential, Model::kCausalCoherent, Model::kCausal, Model::kPram};
const char* Name(Model model);

struct Access {
  bool write = false;
  uint32_t location = 0;
  uint64_t value = 0;  // of a write: unique for the location, not 0
};

// All locations hold 0 at first. At most 16 accesses.
struct Program {
  std::vector<std::vector<Access>> threads;
  // Real time: the last access of the first thread has ended when the second thread begins.
  std::vector<std::pair<uint32_t, uint32_t>> in_turn = {};

  uint32_t locations() const;
  uint32_t reads() const;
};

// What the reads of a program returned, thread by thread.
using Values = std::vector<uint64_t>;

bool Allows(Model model, const Program& program, const Values& outcome);

// Every combination of values that the reads could return if each returned anything that is ever in
// its location.
std::vector<Values> AllOutcomes(const Program& program);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_MODELS_H_
