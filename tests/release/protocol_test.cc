#include "directory/release_protocol.h"

#include <vector>

#include "gtest/gtest.h"

namespace farpage::directory {
namespace {

using enum ReleaseEffect;
using enum ReleaseState;
using Input = ReleaseInput;
using List = std::vector<ReleaseEffect>;

// Feeds one input and returns the effects.
List Feed(ReleasePage& page, Input input, bool at_home = false, bool pinned = false) {
  ReleaseEffects effects;
  StepRelease(page, {.input = input, .at_home = at_home, .stays = pinned}, effects);
  return {effects.begin(), effects.end()};
}

TEST(ReleaseProtocol, AReadIsOneFetch) {
  ReleasePage page;
  EXPECT_EQ(Feed(page, Input::kRead), List({kFetch}));
  EXPECT_EQ(Feed(page, Input::kFetched), List({kMapRead}));
  EXPECT_EQ(page.state, kClean);
  EXPECT_EQ(Feed(page, Input::kRelease), List());
  EXPECT_EQ(Feed(page, Input::kEvict), List({kUnmap}));
}

TEST(ReleaseProtocol, AFirstWriteKeepsATwinAndSendsNothing) {
  ReleasePage page;
  Feed(page, Input::kRead);
  Feed(page, Input::kFetched);
  EXPECT_EQ(Feed(page, Input::kWrite), List({ReleaseEffect::kList, kKeepTwin, kMakeWritable}));
  EXPECT_EQ(Feed(page, Input::kWrite), List());
  EXPECT_EQ(Feed(page, Input::kRelease), List({kProtect, kSendDiff, kDropTwin, kNotice}));
  EXPECT_EQ(page.state, kClean);
  // Nothing more to tell.
  EXPECT_EQ(Feed(page, Input::kRelease), List());
}

TEST(ReleaseProtocol, AWriteMissIsOneFault) {
  ReleasePage page;
  EXPECT_EQ(Feed(page, Input::kWrite), List({kFetch}));
  EXPECT_EQ(Feed(page, Input::kFetchedToWrite), List({ReleaseEffect::kList, kKeepTwin, kMapWrite}));
  EXPECT_EQ(page.state, kDirty);
}

TEST(ReleaseProtocol, WhatIsDroppedGoesHomeAndIsNamedAtTheNextRelease) {
  for (const Input drops : {Input::kNamed, Input::kEvict}) {
    ReleasePage page;
    Feed(page, Input::kWrite);
    Feed(page, Input::kFetchedToWrite);
    EXPECT_EQ(Feed(page, drops), List({kProtect, kSendDiff, kDropTwin, kUnmap}));
    EXPECT_EQ(page.state, kInvalid);
    // It may be here again by then, and written again: one entry in the list is enough.
    Feed(page, Input::kWrite);
    EXPECT_EQ(Feed(page, Input::kFetchedToWrite), List({kKeepTwin, kMapWrite}));
    Feed(page, drops);
    EXPECT_EQ(Feed(page, Input::kRelease), List({kNotice}));
    EXPECT_EQ(Feed(page, Input::kRelease), List());
  }
}

TEST(ReleaseProtocol, ANoticeThatOvertakesAFetchMakesItStale) {
  ReleasePage page;
  Feed(page, Input::kRead);
  EXPECT_EQ(Feed(page, Input::kNamed), List());
  EXPECT_EQ(Feed(page, Input::kFetched), List());
  EXPECT_EQ(page.state, kInvalid);
  EXPECT_EQ(Feed(page, Input::kRead), List({kFetch}));
  EXPECT_EQ(Feed(page, Input::kFetched), List({kMapRead}));
}

TEST(ReleaseProtocol, PinnedPagesStay) {
  ReleasePage page;
  Feed(page, Input::kWrite);
  Feed(page, Input::kFetchedToWrite);
  EXPECT_EQ(Feed(page, Input::kEvict, false, true), List());
  EXPECT_EQ(Feed(page, Input::kNamed, false, true), List({kMerge}));
  // It is written on without a fault, so it is listed for the next release too.
  EXPECT_EQ(Feed(page, Input::kRelease, false, true),
            List({kSendDiff, kRefreshTwin, ReleaseEffect::kList, kNotice}));
  EXPECT_EQ(Feed(page, Input::kRelease), List({kProtect, kSendDiff, kDropTwin, kNotice}));
  EXPECT_EQ(Feed(page, Input::kNamed, false, true),
            List({ReleaseEffect::kList, kKeepTwin, kMakeWritable, kMerge}));
}

TEST(ReleaseProtocol, AtHomeOnlyWritesAreTracked) {
  ReleasePage page;
  EXPECT_EQ(Feed(page, Input::kRead, true), List());
  EXPECT_EQ(Feed(page, Input::kNamed, true), List());
  EXPECT_EQ(Feed(page, Input::kWrite, true), List({ReleaseEffect::kList, kMakeWritable}));
  EXPECT_EQ(Feed(page, Input::kNamed, true), List());
  EXPECT_EQ(Feed(page, Input::kRelease, true), List({kProtect, kNotice}));
  EXPECT_EQ(Feed(page, Input::kRelease, true), List());
}

}  // namespace
}  // namespace farpage::directory
