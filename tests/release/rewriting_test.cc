#include "runtime/release/rewriting.h"

#include "gtest/gtest.h"

namespace farpage::internal {
namespace {

// Releases of a page that is at home and written before every `every`-th of them, and how many of
// them leave it writable.
int HomeStays(int releases, int every) {
  Rewriting page;
  int stays = 0;
  bool writable = false;
  for (int release = 1; release <= releases; ++release) {
    const bool written = release % every == 0;
    if (!written && !writable) continue;  // nothing to look at
    writable = page.HomeStays(static_cast<uint8_t>(release));
    stays += writable ? 1 : 0;
  }
  return stays;
}

TEST(Rewriting, ACopyStaysWhenItIsWrittenAgain) {
  Rewriting page;
  EXPECT_FALSE(page.CopyStays(1));
  page.NoteCopy(1, true);
  EXPECT_FALSE(page.CopyStays(2));
  page.NoteCopy(2, true);
  EXPECT_TRUE(page.CopyStays(3));
}

TEST(Rewriting, ACopyGoesAfterALongPause) {
  Rewriting page;
  for (const int release : {1, 2, 3}) page.NoteCopy(static_cast<uint8_t>(release), true);
  uint8_t release = 4;
  for (; page.CopyStays(release); ++release) {
    ASSERT_LT(release, 50);
    page.NoteCopy(release, false);
  }
  EXPECT_GT(release, 5);
  page.NoteCopy(release, false);
  EXPECT_FALSE(page.copy_stays());
}

TEST(Rewriting, RareWritesDoNotKeepACopy) {
  Rewriting page;
  for (int release = 1; release < 200; release += 20) {
    page.NoteCopy(static_cast<uint8_t>(release), true);
    EXPECT_FALSE(page.CopyStays(static_cast<uint8_t>(release + 1)));
  }
}

TEST(Rewriting, AHomesPageStaysAlmostAlwaysIfItIsAlwaysWritten) {
  EXPECT_GT(HomeStays(200, 1), 180);
  EXPECT_GT(HomeStays(200, 2), 120);
}

TEST(Rewriting, AHomesPageThatIsRarelyWrittenDoesNotStay) { EXPECT_EQ(HomeStays(200, 10), 0); }

TEST(Rewriting, AHomesPageIsNotNamedForLongWhenItIsNotWrittenAnyMore) {
  Rewriting page;
  uint8_t release = 1;
  for (; release <= 100; ++release) page.HomeStays(release);
  int for_nothing = 0;
  while (page.HomeStays(release++)) ASSERT_LT(++for_nothing, 17);
}

}  // namespace
}  // namespace farpage::internal
