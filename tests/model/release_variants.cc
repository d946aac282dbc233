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

Variant Direct(Variant variant, const char* name) {
  variant.name = name;
  variant.direct = true;
  return variant;
}

Variant OneByte(const char* name) {
  Variant variant = Unlimited(name);
  variant.bytes = 1;
  return variant;
}

Variant TwoNodesFine() {
  Variant variant = OneByte("two nodes, any interleaving");
  variant.coarse = false;
  return variant;
}

Variant TwoNodesLongerLogs() {
  Variant variant = OneByte("two nodes, logs of two entries");
  variant.ring = 2;
  return variant;
}

Variant TwoNodesServed() {
  Variant variant = OneByte("two nodes, a home that only serves");
  variant.homes[0] = Variant::kNobody;
  return variant;
}

Variant Pins(Variant variant, const char* name) {
  variant.name = name;
  variant.pins = true;
  variant.failures = true;
  return variant;
}

Variant TwoPages(const char* name) {
  Variant variant = OneByte(name);
  variant.pages = 2;
  variant.homes = {0, 1};
  variant.direct = true;
  variant.others = 0;
  return variant;
}

Variant TwoPagesBrief() {
  Variant variant = TwoPages("two nodes, two pages, two homes, no barrier");
  variant.barriers = 0;
  return variant;
}

Variant TwoLocks(uint32_t nodes, const char* name) {
  Variant variant = Direct(OneByte(name), name);
  variant.nodes = nodes;
  variant.locks = 2;
  variant.barriers = 0;
  variant.others = 0;
  variant.touch_to_write = false;
  return variant;
}

Variant ThreeNodes(const char* name) {
  Variant variant = Direct(OneByte(name), name);
  variant.nodes = 3;
  variant.touch_to_write = false;
  return variant;
}

Variant ThreeNodesLock() {
  Variant variant = ThreeNodes("three nodes, a lock");
  variant.barriers = 0;
  variant.others = 0;
  return variant;
}

Variant ThreeNodesBarrier() {
  Variant variant = ThreeNodes("three nodes, a barrier");
  variant.locks = 0;
  return variant;
}

Variant ThreeNodesLockAndOthers() {
  Variant variant = ThreeNodes("three nodes, a lock, other pages");
  variant.barriers = 0;
  return variant;
}

// Not of any length: a turn and a write for each node, but any interleaving.
Variant ThreeNodesOnce() {
  Variant variant = OneByte("three nodes, a turn each, any interleaving");
  variant.nodes = 3;
  variant.coarse = false;
  variant.acquisitions = 1;
  variant.barriers = 0;
  variant.stores = 1;
  variant.others = 0;
  return variant;
}

}  // namespace

std::vector<Variant> StandardVariants() {
  return {
      Unlimited("two nodes"),
      TwoNodesFine(),
      TwoNodesLongerLogs(),
      Pins(OneByte(""), "two nodes, pins, failures"),
      Pins(Direct(TwoNodesServed(), ""), "two nodes, pins, a home that serves"),
      TwoPagesBrief(),
      ThreeNodesLock(),
      ThreeNodesBarrier(),
  };
}

std::vector<Variant> LargeVariants() {
  return {
      TwoLocks(2, "two nodes, two locks"),
      TwoPages("two nodes, two pages, two homes"),
      ThreeNodesOnce(),
      ThreeNodesLockAndOthers(),
  };
}

std::vector<Variant> HuntingVariants() {
  return {
      Direct(Unlimited(""), "two nodes, direct"),
      TwoNodesServed(),
      Pins(Direct(OneByte(""), ""), "two nodes, pins"),
      Pins(Direct(TwoNodesServed(), ""), "two nodes, pins, served"),
      TwoNodesFine(),
      ThreeNodesLock(),
  };
}

}  // namespace farpage::release_model
