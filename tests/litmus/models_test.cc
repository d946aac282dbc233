// The table of verdicts is what the definitions of the models give.
#include "tests/litmus/models.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/litmus/shape.h"

namespace farpage::litmus {
namespace {

TEST(Models, GiveTheVerdictsOfTheTable) {
  ASSERT_EQ(Shapes().size(), 18u);
  for (const Shape& shape : Shapes()) {
    std::string verdicts;
    for (Model model : kAllModels) {
      verdicts += Allows(model, shape.program, shape.outcome) ? 'a' : 'F';
    }
    EXPECT_EQ(verdicts, shape.verdicts) << shape.name << ": " << shape.text;
  }
}

// Each model of the list allows what those before it allow, for every outcome of every shape.
TEST(Models, AreOrderedByStrength) {
  for (const Shape& shape : Shapes()) {
    for (const Values& outcome : AllOutcomes(shape.program)) {
      bool allowed = false;
      for (Model model : kAllModels) {
        const bool now = Allows(model, shape.program, outcome);
        EXPECT_TRUE(now || !allowed) << shape.name << ", " << Name(model);
        allowed = now;
      }
    }
  }
}

TEST(Models, ReadsReturnWhatSomebodyWrote) {
  const Program program{{{{true, 0, 1}}, {{false, 0, 0}}}};
  for (Model model : kAllModels) EXPECT_FALSE(Allows(model, program, {2})) << Name(model);
}

// A thread sees its own writes.
TEST(Models, OwnWritesAreSeen) {
  const Program program{{{{true, 0, 1}, {false, 0, 0}}}};
  for (Model model : kAllModels) {
    EXPECT_TRUE(Allows(model, program, {1})) << Name(model);
    EXPECT_FALSE(Allows(model, program, {0})) << Name(model);
  }
}

TEST(Models, AllOutcomesAreEnumerated) {
  const Shape* shape = FindShape("SB");
  ASSERT_NE(shape, nullptr);
  const std::vector<Values> expected = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  EXPECT_EQ(AllOutcomes(shape->program), expected);
  EXPECT_EQ(FindShape("SBS"), nullptr);
}

}  // namespace
}  // namespace farpage::litmus
