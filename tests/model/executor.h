// Carries out the protocol's steps in a modelled world: what runtime/engine does in earnest.
#ifndef FARPAGE_TESTS_MODEL_EXECUTOR_H_
#define FARPAGE_TESTS_MODEL_EXECUTOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "directory/protocol.h"
#include "tests/model/property.h"
#include "tests/model/variant.h"
#include "tests/model/world.h"

namespace farpage::model {

// directory::Step(), or it with a deliberate error around it.
using StepFunction = std::function<directory::Verdict(
    directory::PageState&, directory::NodeSet*, const directory::Stimulus&, directory::Effects&)>;

// Deliberate errors outside Step(): in what the effects' contract asks of the runtime.
enum class Fault : uint8_t {
  kNone,
  kPageBeforeBit,      // read chain: READ page, then the bit and the holder word
  kPageBeforeSwap,     // write chain: READ page, then the compare-and-swap
  kBitsBeforeSwap,     // write chain: READ bits, then the compare-and-swap
  kHandOverAtOnce,     // the hand-over's atomics are not awaited
  kMessagesOvertake,   // messages to the home overtake the operations posted before
  kFrameNotFilled,     // the home in place does not copy a GRANT_EXCLUSIVE into its frame
  kDeferredForgotten,  // kServeDeferred does nothing
  kDeferredAnyOrder,   // a new FETCH is served although others are deferred
  kHoldForgotten,      // kStartHold does nothing
  kPagesOnOtherQueue,  // WRITE page is not ordered with the atomics
  kDeadNotTold,        // kPeerFailed never comes
  kGrantUnwritten,     // GRANT_SHARED although the page could not be written home
};

// How often each cell of the table was used.
using Coverage = std::array<std::array<uint64_t, directory::kEvents>, directory::kStates>;

// One object carries out many steps, one after the other. After a finding the world is of no use.
class Executor {
 public:
  Executor(const Variant& variant, StepFunction step, Fault fault)
      : variant_(variant), step_(std::move(step)), fault_(fault) {}

  // Gives `stimulus` to `node`, and carries out the effects.
  directory::Verdict Feed(World& world, uint32_t node, const directory::Stimulus& stimulus);
  // Carries out effects that Feed() left pending.
  void Continue(World& world, uint32_t node);
  // Executes the first operation in the queue of `node` at the home.
  void ExecuteFirst(World& world, uint32_t node);
  // A thread of `node` stores to the page, which must be mapped writable.
  static void Store(World& world, uint32_t node, const Variant& variant);

  // What the page is to the protocol.
  static directory::PageState Load(const NodeView& view);

  const Variant& variant() const { return variant_; }
  Fault fault() const { return fault_; }
  std::optional<Finding>& finding() { return finding_; }
  Coverage& coverage() { return coverage_; }
  // If set, steps are described here in words.
  void set_log(std::string* log) { log_ = log; }
  void Log(const std::string& text) {
    if (log_ != nullptr) *log_ += text;
  }
  void Find(Property property, std::string what) {
    if (!finding_.has_value()) finding_ = Finding{property, std::move(what)};
  }

 private:
  void Run(World& world, uint32_t node, const directory::Effect* begin,
           const directory::Effect* end, directory::Input input);
  void Carry(World& world, uint32_t node, const directory::Effect& effect, directory::Input input);
  void StartChain(World& world, uint32_t node, directory::EffectKind kind);
  void Install(World& world, uint32_t node, Mapping mapping, directory::Input input);
  void SendPage(World& world, uint32_t from, uint32_t to, MessageKind kind);
  void Send(World& world, uint32_t from, uint32_t to, MessageKind kind, bool current);
  void Execute(World& world, uint32_t node, Op op);
  bool CanReachHome(const World& world, uint32_t node) const;
  void Append(World& world, uint32_t from, uint32_t to, Message message);
  void Post(World& world, uint32_t node, Op op);
  void ChangeBit(World& world, uint32_t by, uint32_t of, bool on);
  void ChangeHolder(World& world, uint32_t by, NodeId next);
  void ServeDeferred(World& world, uint32_t node);

  Variant variant_;
  StepFunction step_;
  Fault fault_;
  std::optional<Finding> finding_;
  Coverage coverage_{};
  std::string* log_ = nullptr;
};

// Forgets what can no longer matter, so that equal worlds look equal.
void Tidy(World& world, uint32_t node);

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_EXECUTOR_H_
