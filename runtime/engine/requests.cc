// Messages of peers.
#include <array>
#include <cstdio>

#include "runtime/engine/engine.h"

namespace farpage::internal {

using directory::Input;
using directory::State;
using directory::Stimulus;
using directory::Verdict;

// Nothing that a peer sends can stop this node: a peer that sends what cannot be is given up.
void Engine::OnMessage(NodeId from, const transport::Message& bytes) {
  const std::optional<PageMessage> message = Decode(bytes);
  Region* region = message.has_value() ? space_.Find(message->page) : nullptr;
  if (region == nullptr || region->records == nullptr) {
    fabric_.transport().MarkPeerFailed(
        from, message.has_value() ? "it sent a message about a page that has no directory entry"
                                  : "it sent a message that this version does not understand");
    return;
  }
  Page page = Lock(*region, message->page.value - region->first_page.value);
  const State state = page.record.state.state;
  Verdict verdict = Verdict::kIgnored;
  switch (message->kind) {
    case Input::kFetchShared:
    case Input::kFetchExclusive:
      counters_.Add(Counter::fetches_received);
      verdict =
          ServeRequest(page, {from, message->kind == Input::kFetchExclusive, message->landing});
      break;
    case Input::kInvalidate: {
      counters_.Add(Counter::invalidations_received);
      const bool held = Held(page);
      if (held && state == State::kShared) counters_.Add(Counter::held_invalidations);
      if (state == State::kReadFetch) counters_.Add(Counter::poisoned_fetches);
      verdict = Feed(page, {.input = Input::kInvalidate, .from = from, .held = held});
      break;
    }
    default:
      verdict = Feed(page, {.input = message->kind, .from = from});
      break;
  }
  Unlock(page);
  if (verdict != Verdict::kImpossible) return;
  std::array<char, 256> reason;
  std::snprintf(reason.data(), reason.size(),
                "it sent %s for page %llu of region '%.64s', which cannot be in state %s here",
                directory::Name(message->kind), static_cast<unsigned long long>(page.index),
                region->name.c_str(), directory::Name(state));
  fabric_.transport().MarkPeerFailed(from, reason.data());
}

Verdict Engine::ServeRequest(Page& page, const Request& request) {
  Stimulus stimulus{.input = request.exclusive ? Input::kFetchExclusive : Input::kFetchShared,
                    .from = request.from};
  page.request = &request;
  if (page.record.state.state == State::kExclusive) {
    stimulus.held = Held(page);
    if (!stimulus.held) {
      page.serve = slots_->AcquireServe();
      if (page.serve != nullptr) page.serve->page.store(page.id(), std::memory_order_relaxed);
    }
    const bool can_serve = stimulus.held || page.serve != nullptr;
    stimulus.held |= !can_serve;
    stimulus.can_defer = can_serve && stimulus.held && CanDefer(page);
  } else {
    stimulus.can_defer = CanDefer(page);
  }
  const Verdict verdict = Feed(page, stimulus);
  if (page.serve != nullptr) slots_->Release(std::exchange(page.serve, nullptr));
  page.request = nullptr;
  return verdict;
}

// Room to remember one more request. A page at rest gets a slot for it.
bool Engine::CanDefer(Page& page) {
  Slot* slot = SlotOf(page.record);
  if (slot == nullptr && page.record.state.state == State::kExclusive) {
    slot = slots_->AcquireMiss();
    if (slot != nullptr) Attach(page, slot);
  }
  return slot != nullptr && slot->deferred_count < Slot::kDeferred;
}

}  // namespace farpage::internal
