#include "directory/release_protocol.h"

#include <algorithm>

namespace farpage::directory {
namespace {

using enum ReleaseEffect;
using enum ReleaseState;

// Before the page can be written: another thread that writes to it and releases at once must find
// it in the list. It then waits for the page's lock.
void List(ReleasePage& page, ReleaseEffects& effects) {
  if (page.listed) return;
  effects.push_back(kList);
  page.listed = true;
}

// A page at its home is mapped for good. kInvalid and kClean are one there: not written.
ReleaseVerdict StepAtHome(ReleasePage& page, const ReleaseStimulus& stimulus,
                          ReleaseEffects& effects) {
  const bool dirty = page.state == kDirty;
  switch (stimulus.input) {
    case ReleaseInput::kWrite:
      if (dirty) return ReleaseVerdict::kHit;
      List(page, effects);
      effects.push_back(kMakeWritable);
      page.state = kDirty;
      return ReleaseVerdict::kStepped;
    case ReleaseInput::kRelease:
      page.listed = false;
      if (!dirty) return ReleaseVerdict::kStepped;
      if (stimulus.stays) {  // it may be written without a fault until it does not
        List(page, effects);
      } else {
        effects.push_back(kProtect);
        page.state = kInvalid;
      }
      effects.push_back(kNotice);
      return ReleaseVerdict::kStepped;
    default:
      return ReleaseVerdict::kHit;  // what others write comes here, and nothing is ever dropped
  }
}

void Drop(ReleasePage& page, ReleaseEffects& effects) {
  if (page.state == kDirty) {
    // Protected first: a write that comes later faults, and finds the page gone.
    effects.push_back(kProtect);
    effects.push_back(kSendDiff);
    effects.push_back(kDropTwin);
    page.owed = true;  // it is listed, for it was written
  }
  effects.push_back(kUnmap);
  page.state = kInvalid;
}

// A page that stays takes over what others have written. It counts as written itself: only so can
// it be changed in place.
void Update(ReleasePage& page, ReleaseEffects& effects) {
  if (page.state == kClean) {
    List(page, effects);
    effects.push_back(kKeepTwin);
    effects.push_back(kMakeWritable);
    page.state = kDirty;
  }
  effects.push_back(kMerge);
}

void Release(ReleasePage& page, bool stays, ReleaseEffects& effects) {
  page.listed = false;
  const bool dirty = page.state == kDirty;
  if (dirty && stays) {
    effects.push_back(kSendDiff);
    effects.push_back(kRefreshTwin);
    List(page, effects);
  } else if (dirty) {
    effects.push_back(kProtect);
    effects.push_back(kSendDiff);
    effects.push_back(kDropTwin);
    page.state = kClean;
  }
  if (dirty || page.owed) effects.push_back(kNotice);
  page.owed = false;
}

void Fetched(ReleasePage& page, bool to_write, ReleaseEffects& effects) {
  if (page.stale) {  // a notice overtook the content: perhaps it is from before
    page.state = kInvalid;
    page.stale = false;
    return;
  }
  if (!to_write) {
    effects.push_back(kMapRead);
    page.state = kClean;
    return;
  }
  List(page, effects);
  effects.push_back(kKeepTwin);
  effects.push_back(kMapWrite);
  page.state = kDirty;
}

ReleaseVerdict StepAccess(ReleasePage& page, bool write, ReleaseEffects& effects) {
  switch (page.state) {
    case kInvalid:
      effects.push_back(kFetch);
      page.state = kFetching;
      return ReleaseVerdict::kStepped;
    case kFetching:
      return ReleaseVerdict::kWait;
    case kClean:
      if (!write) return ReleaseVerdict::kHit;
      List(page, effects);
      effects.push_back(kKeepTwin);
      effects.push_back(kMakeWritable);
      page.state = kDirty;
      return ReleaseVerdict::kStepped;
    case kDirty:
      return ReleaseVerdict::kHit;
  }
  return ReleaseVerdict::kHit;
}

}  // namespace

bool ReleaseEffects::contains(ReleaseEffect effect) const {
  return std::find(begin(), end(), effect) != end();
}

ReleaseVerdict StepRelease(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects) {
  if (stimulus.at_home) return StepAtHome(page, stimulus, effects);
  const bool mapped = page.state == kClean || page.state == kDirty;
  switch (stimulus.input) {
    case ReleaseInput::kRead:
    case ReleaseInput::kWrite:
      return StepAccess(page, stimulus.input == ReleaseInput::kWrite, effects);
    case ReleaseInput::kFetched:
    case ReleaseInput::kFetchedToWrite:
      Fetched(page, stimulus.input == ReleaseInput::kFetchedToWrite, effects);
      return ReleaseVerdict::kStepped;
    case ReleaseInput::kFetchFailed:
      page.state = kInvalid;
      page.stale = false;
      return ReleaseVerdict::kStepped;
    case ReleaseInput::kNamed:
      if (page.state == kFetching) {
        page.stale = true;
      } else if (mapped && stimulus.stays) {
        Update(page, effects);
      } else if (mapped) {
        Drop(page, effects);
      }
      return ReleaseVerdict::kStepped;
    case ReleaseInput::kRelease:
      Release(page, stimulus.stays, effects);
      return ReleaseVerdict::kStepped;
    case ReleaseInput::kEvict:
      if (!mapped || stimulus.stays) return ReleaseVerdict::kRefused;
      Drop(page, effects);
      return ReleaseVerdict::kStepped;
  }
  return ReleaseVerdict::kStepped;
}

const char* Name(ReleaseState state) {
  static constexpr std::array<const char*, kReleaseStates> kNames = {"invalid", "fetching", "clean",
                                                                     "dirty"};
  return kNames[static_cast<size_t>(state)];
}

const char* Name(ReleaseInput input) {
  static constexpr std::array<const char*, kReleaseInputs> kNames = {
      "read", "write", "fetched", "fetched to write", "fetch failed", "named", "release", "evict"};
  return kNames[static_cast<size_t>(input)];
}

const char* Name(ReleaseEffect effect) {
  static constexpr std::array<const char*, 13> kNames = {
      "fetch",   "map read-only", "map writable", "keep twin", "make writable",
      "protect", "send diff",     "refresh twin", "drop twin", "merge",
      "unmap",   "list",          "notice"};
  return kNames[static_cast<size_t>(effect)];
}

}  // namespace farpage::directory
