// A page's content on its way: captured, sent, written home, installed, dropped; and the messages
// that go with it.
#include <cstring>

#include "runtime/engine/chain_builder.h"
#include "runtime/engine/engine.h"
#include "runtime/fatal.h"
#include "runtime/memory/view_reading.h"

namespace farpage::internal {

using directory::Effect;
using directory::EffectKind;
using directory::Input;
using transport::Operation;

// Stops local writers and puts the page's content into the serving slot, where the transport can
// send it from. Frames mapped in place are sent from where they are.
void Engine::Capture(Page& page) {
  if (InPlace(page)) return;
  pager_.WriteProtect(page.address(), 1);
  const ViewReading reading;
  std::memcpy(page.serve->landing.data, pager_.View(page.address()), kPageBytes);
}

void Engine::AppendWriteBack(Page& page, ChainBuilder& chain, bool captured) {
  if (InPlace(page)) return;
  Slot& slot = *page.serve;
  const std::byte* source = slot.landing.data;
  if (!captured) {
    if (inline_) {
      source = pager_.View(page.address());
    } else {
      const ViewReading reading;
      std::memcpy(slot.landing.data, pager_.View(page.address()), kPageBytes);
    }
  }
  chain.Append(
      Operation::Write(source, slot.landing.key, FrameAt(page), static_cast<uint32_t>(kPageBytes)));
  if (page.home != cluster_.self()) counters_.Add(Counter::write_bytes, kPageBytes);
}

// The page goes ahead of the GRANT on the same connection, so it has arrived when the GRANT is
// seen.
void Engine::SendPage(Page& page, Slot& slot, const Request& to) {
  Operation write = Operation::Write(slot.landing.data, slot.landing.key, to.landing,
                                     static_cast<uint32_t>(kPageBytes));
  if (InPlace(page)) {
    const uint64_t offset = page.region.homes.IndexAtHome(page.index) * kPageBytes;
    write.local = page.region.frames.own->data() + offset;
    write.local_key = page.region.frames.own->local_key();
  }
  counters_.Add(Counter::write_bytes, kPageBytes);
  PostDraining(to.from, {&write, 1}, &slot);
}

void Engine::SendEffect(Page& page, const Effect& effect) {
  switch (effect.kind) {
    case EffectKind::kSendAck:
      Send(page, effect.peer, Input::kAck);
      return;
    case EffectKind::kSendNack:
      counters_.Add(Counter::refusals_sent);
      Send(page, effect.peer, Input::kNack);
      return;
    case EffectKind::kSendFetchShared:
    case EffectKind::kSendFetchExclusive:
      ++SlotOf(page.record)->messages;
      counters_.Add(Counter::fetches_sent);
      Send(page, effect.peer,
           effect.kind == EffectKind::kSendFetchShared ? Input::kFetchShared
                                                       : Input::kFetchExclusive);
      return;
    case EffectKind::kSendInvalidates:
      SlotOf(page.record)->need.ForEach([&](NodeId node) {
        ++SlotOf(page.record)->messages;
        counters_.Add(Counter::invalidations_sent);
        Send(page, node, Input::kInvalidate);
      });
      return;
    case EffectKind::kSendGrantShared:
      // The home has the page already, and so has whoever can read the home's frames in place.
      if (effect.peer != page.home && !direct_) {
        SendPage(page, *page.serve, *page.request);
      } else if (fabric_.transport().peer_failed(page.home)) {
        Send(page, effect.peer, Input::kNack);  // it was not written there
        return;
      }
      Send(page, effect.peer, Input::kGrantShared);
      return;
    case EffectKind::kSendGrantExclusive: {
      Slot& slot = *SlotOf(page.record);
      SendPage(page, slot, slot.request);
      Send(page, effect.peer, Input::kGrantExclusive);
      return;
    }
    default:
      Fatal("effect %s is not a message", directory::Name(effect.kind));
  }
}

// A peer that cannot be reached is dealt with by CheckFailures().
void Engine::Send(Page& page, NodeId peer, Input kind) {
  PageMessage message{kind, page.id(), {}};
  const bool asks = kind == Input::kFetchShared || kind == Input::kFetchExclusive;
  if (asks) message.landing = SlotOf(page.record)->landing.remote;
  fabric_.Send(peer, Encode(message));
}

void Engine::Install(Page& page, Access access, Input input) {
  const uint64_t offset = page.region.homes.IndexAtHome(page.index) * kPageBytes;
  const std::byte* landed = page.landed;
  if (landed == nullptr && page.record.slot_plus_one != 0) {
    landed = SlotOf(page.record)->landing.data;
  }
  const bool in_frame = input != Input::kGrantExclusive && ReadsFrameInPlace(page) &&
                        (input != Input::kGrantShared || direct_ || page.home == cluster_.self());
  const std::byte* source = in_frame ? page.region.frame_views[page.home.value()] + offset : landed;
  counters_.Add(Counter::installed_pages);
  // The minimum hold begins when the page is mapped: what mapping takes must not use it up.
  if (!InPlace(page)) {
    pager_.Install(page.address(), source, 1, access);
    page.record.installed_at = CoarseNow();
    NoteInstalled(page.region, page.index, 1);
    return;
  }
  std::byte* frame = page.region.frames.own->data() + offset;
  if (source != frame) {
    std::memcpy(frame, source, kPageBytes);
  } else {
    static_cast<void>(*reinterpret_cast<volatile char*>(frame));  // the frame must exist
  }
  pager_.MapHome(page.address(), 1, access);
  page.record.installed_at = CoarseNow();
}

void Engine::Zap(Page& page) {
  const bool in_place = InPlace(page);
  pager_.Zap(page.address(), 1, in_place);
  if (!in_place) cache_->AddPresent(-1);
}

}  // namespace farpage::internal
