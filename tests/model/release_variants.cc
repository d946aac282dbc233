// What is explored.
#include "tests/model/release_mutation.h"

namespace farpage::release_model {
namespace {

// Executions of any length: nothing is counted.
Variant Unlimited(const char* name) {
  return {.name = name,
          .coarse = true,
          .acquisitions = Variant::kUnlimited,
          .barriers = Variant::kUnlimited,
          .stores = Variant::kUnlimited,
          .others = Variant::kUnlimited};
}

Variant TwoNodesDirect() {
  Variant variant = Unlimited("two nodes, direct");
  variant.direct = true;
  return variant;
}

Variant TwoNodesFine() {
  Variant variant = Unlimited("two nodes, any interleaving");
  variant.bytes = 1;
  variant.coarse = false;
  return variant;
}

Variant TwoNodesPins() {
  Variant variant = Unlimited("two nodes, pins, failures");
  variant.bytes = 1;
  variant.pins = true;
  variant.failures = true;
  return variant;
}

Variant TwoPages() {
  Variant variant = Unlimited("two nodes, two pages, two homes, direct");
  variant.pages = 2;
  variant.homes = {0, 1};
  variant.bytes = 1;
  variant.direct = true;
  variant.others = 0;
  return variant;
}

Variant ThreeNodes() {
  Variant variant = Unlimited("three nodes, direct");
  variant.nodes = 3;
  variant.bytes = 1;
  variant.direct = true;
  variant.barriers = 0;
  variant.touch_to_write = false;
  return variant;
}

Variant ThreeNodesQuiet() {
  Variant variant = ThreeNodes();
  variant.others = 0;
  return variant;
}

Variant ThreeNodesBarrier() {
  Variant variant = ThreeNodes();
  variant.name = "three nodes, a barrier and no lock, direct";
  variant.locks = 0;
  variant.barriers = Variant::kUnlimited;
  return variant;
}

}  // namespace

std::vector<Variant> StandardVariants() {
  return {
      Unlimited("two nodes"), TwoNodesFine(), TwoNodesPins(), TwoPages(),
      ThreeNodesBarrier(),    ThreeNodes(),
  };
}

std::vector<Variant> LargeVariants() { return StandardVariants(); }

std::vector<Variant> HuntingVariants() {
  return {
      TwoNodesDirect(), Unlimited("two nodes"), TwoNodesPins(), TwoNodesFine(), ThreeNodesQuiet(),
  };
}

}  // namespace farpage::release_model
