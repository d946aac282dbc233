// Stacks of simulated threads.
#include "transport/sim/fiber.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace farpage::transport::sim {
namespace {

// Uses `bytes` of stack as code does that no sanitizer has seen: it asks nothing of what lies there
// from earlier calls.
__attribute__((no_sanitize("address"), noinline)) int UseStack() {
  std::array<char, 16'384> local;  // NOLINT(cppcoreguidelines-pro-type-member-init): memset does
  auto* volatile at = local.data();
  std::memset(at, 1, local.size());
  return at[local.size() / 2];
}

// Switches away for ever from below `depth` frames that have arrays.
__attribute__((noinline)) int Abandon(int depth, FiberContext& self, FiberContext& next) {
  std::array<char, 64> local{};
  auto* volatile at = local.data();
  *at = static_cast<char>(depth);
  if (depth == 0) {
    self.SwitchTo(next, true);
  } else {
    Abandon(depth - 1, self, next);
  }
  return *at;
}

TEST(FiberTest, GoesBackAndForth) {
  FiberContext main;
  FiberStack stack;
  int turns = 0;
  FiberContext fiber(stack, [&] {
    while (true) {
      ++turns;
      fiber.SwitchTo(main);
    }
  });
  for (int turn = 1; turn <= 3; ++turn) {
    main.SwitchTo(fiber);
    EXPECT_EQ(turns, turn);
  }
}

// A thread that ends with its node leaves its frames where the next one's will be.
TEST(FiberTest, AStackIsAsNewForTheNextFiber) {
  FiberContext main;
  const std::byte* first = nullptr;
  {
    FiberStack stack;
    first = stack.base();
    FiberContext fiber(stack, [&] { Abandon(100, fiber, main); });
    main.SwitchTo(fiber);
  }
  FiberStack stack;
  ASSERT_EQ(stack.base(), first);
  int used = 0;
  FiberContext fiber(stack, [&] {
    used = UseStack();
    fiber.SwitchTo(main, true);
  });
  main.SwitchTo(fiber);
  EXPECT_EQ(used, 1);
}

}  // namespace
}  // namespace farpage::transport::sim
