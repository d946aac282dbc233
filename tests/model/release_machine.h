// Makes the steps of a modelled cluster: what runtime/release/ and the locks do around
// directory::StepRelease(), which is called as it is.
#ifndef FARPAGE_TESTS_MODEL_RELEASE_MACHINE_H_
#define FARPAGE_TESTS_MODEL_RELEASE_MACHINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "directory/release_protocol.h"
#include "tests/model/release_world.h"

namespace farpage::release_model {

using StepFunction = std::function<directory::ReleaseVerdict(
    directory::ReleasePage&, const directory::ReleaseStimulus&, directory::ReleaseEffects&)>;

// Errors in what surrounds the steps.
enum class Fault : uint8_t {
  kNone,
  kNoFence,           // notices before the diffs have arrived
  kFenceOnlyWritten,  // … unless a page was sent by this release: what was evicted is not awaited
  kReservedLate,      // the log tells that it is overwritten after that has been done
  kReservedFirst,     // the reader looks whether it was overwritten before it reads the entries
  kOverrunIgnored,    // … does not look
  kOverrunByOne,      // … finds one entry too many
  kOverrunDropsNamed,    // … and drops no more than the pages that it knows of
  kOneNoticeMissed,      // an acquire reads all new entries but the first
  kSeenWithoutDrop,      // what was read is taken note of, and nothing dropped
  kSeenToEnd,            // an acquire takes note of more than it has read
  kFreeClockNotRead,     // a lock that was free is taken without its clock
  kHandedWithoutClock,   // … handed over
  kFreedWithoutClock,    // … freed without writing the clock
  kClockBeforeNotices,   // a release's clock does not count its own notices
  kClockOfOwnOnly,       // … counts nobody else's
  kUnlockBeforeRelease,  // the lock goes on while the diffs are on their way
  kBarrierForgetsOne,    // a barrier does not pass on the length of node 0's log
  kBarrierNoAcquire,     // … nobody's
  kWholePage,            // a diff has all bytes of the page
  kWholeWords,           // … of the words that were changed
  kFetchOvertakes,       // a fetch executes before diffs that were posted before it
  kTwinOfFrame,          // a twin is a second look at the home's frame
  kEmptyDiffUntold,      // no notice if the release itself sends nothing: an eviction's is lost
};

enum class Property : uint8_t {
  kLastWrite,  // who is ordered after a byte's last write and maps its page sees it
  kHere,       // what the protocol takes for accessible is
  kPager,      // no effect that does not fit what is mapped, kept, or listed
  kBounds,     // connections and notices do not overflow
  kProgress,   // what was begun can end
};
const char* Name(Property property);

struct Finding {
  Property property;
  std::string what;
};

// Of directory::StepRelease(), by page state, what else is known of the page, and stimulus.
inline constexpr size_t kPlaces = directory::kReleaseStates * 8 * directory::kReleaseInputs * 4;
using Coverage = std::array<uint64_t, kPlaces>;
constexpr size_t PlaceOf(const directory::ReleasePage& page,
                         const directory::ReleaseStimulus& stimulus) {
  size_t at = static_cast<size_t>(page.state) * directory::kReleaseInputs +
              static_cast<size_t>(stimulus.input);
  for (const bool bit : {page.listed, page.owed, page.stale, stimulus.at_home, stimulus.stays}) {
    at = 2 * at + (bit ? 1 : 0);
  }
  return at;
}

class Machine {
 public:
  Machine(const Variant& variant, const StepFunction& step, Fault fault)
      : variant_(variant), step_(step), fault_(fault) {}

  const Variant& variant() const { return variant_; }
  // How often each step was taken, by PlaceOf().
  const Coverage& coverage() const { return coverage_; }
  // What was done wrong since it was last taken.
  std::optional<Finding>& finding() { return finding_; }
  // Every step's effects are described there. May be null.
  void set_log(std::string* log) { log_ = log; }

  // Pages. The caller has seen to it that they are possible.
  directory::ReleaseEffects Feed(World& world, uint32_t node, uint32_t page,
                                 directory::ReleaseInput input);
  void Continue(World& world, uint32_t node, uint32_t page);  // effects that are pending
  void Store(World& world, uint32_t node, uint32_t page, uint32_t byte);
  void Execute(World& world, uint32_t node, uint32_t at);  // operation number `at` that it posted

  // Synchronisation, in the pieces between which others may act.
  void BeginLock(World& world, uint32_t node, uint32_t lock);
  void BeginUnlock(World& world, uint32_t node, uint32_t lock, bool other_page);
  void BeginBarrier(World& world, uint32_t node, bool other_page);
  void Advance(World& world, uint32_t node);  // the next piece of what is under way
  bool CanAdvance(const World& world, uint32_t node) const;

  // Whether the operation is the next on its connection, or, with Fault::kFetchOvertakes, a fetch.
  bool CanExecute(const NodeView& view, uint32_t at) const;
  static bool Busy(const NodeView& view);  // effects of some page are pending

 private:
  void Run(World& world, uint32_t node, uint32_t page, const directory::ReleaseEffect* begin,
           const directory::ReleaseEffect* end);
  void Carry(World& world, uint32_t node, uint32_t page, directory::ReleaseEffect effect);
  void SendDiff(World& world, uint32_t node, uint32_t page);
  static Bits FrameAfterOwnDiffs(const World& world, uint32_t node, uint32_t page);
  void Post(World& world, uint32_t node, const Op& op);
  void Apply(World& world, uint32_t node, const Op& op);
  Bits& Content(World& world, uint32_t node, uint32_t page);

  void AdvanceOnce(World& world, uint32_t node);
  void BeginRelease(World& world, uint32_t node, bool other_page);
  void ReleasePages(World& world, uint32_t node);
  void PostFence(World& world, uint32_t node, uint32_t page);
  void Append(World& world, uint32_t node);
  void Leave(World& world, uint32_t node);
  void PassBarrier(World& world);
  void BeginAcquire(World& world, uint32_t node);
  void BeginRead(World& world, uint32_t node);
  void FinishRead(World& world, uint32_t node);
  void ReadEntries(World& world, uint32_t node);
  void CheckReserved(World& world, uint32_t node);
  void Drop(World& world, uint32_t node);
  void FinishAcquire(World& world, uint32_t node);

  void Find(Property property, std::string what);
  void Log(const std::string& text) {
    if (log_ != nullptr) *log_ += text;
  }

  const Variant variant_;
  const StepFunction step_;
  const Fault fault_;
  std::optional<Finding> finding_;
  Coverage coverage_{};
  std::string* log_ = nullptr;
  bool sent_ = false;  // the step under way sent changed bytes
};

// What is wrong with a state: Property::kLastWrite or kHere.
std::optional<Finding> CheckState(const World& world, const Variant& variant);

}  // namespace farpage::release_model

#endif  // FARPAGE_TESTS_MODEL_RELEASE_MACHINE_H_
