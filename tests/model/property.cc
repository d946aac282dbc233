#include "tests/model/property.h"

#include <array>

namespace farpage::model {
namespace {

using directory::State;

std::string Node(uint32_t node) { return "node " + std::to_string(node); }

std::optional<Finding> CheckMappings(const World& world, const Variant& variant) {
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    if (view.mapping == Mapping::kNone) continue;
    for (uint32_t other = 0; other < variant.nodes; ++other) {
      if (other != node && view.mapping == Mapping::kWritable &&
          world.nodes[other].mapping != Mapping::kNone) {
        return Finding{Property::kSingleWriter,
                       Node(node) + " may write while " + Node(other) + " may read"};
      }
    }
    const bool current = variant.InPlace(node) ? world.frame_current != 0 : view.copy_current != 0;
    if (!current) return Finding{Property::kLastWrite, Node(node) + " maps an old page"};
  }
  return std::nullopt;
}

std::optional<Finding> CheckWords(const World& world, const Variant& variant) {
  if (world.home_stopped != 0) return std::nullopt;
  if (world.holder_plus_one == 0 && world.frame_current == 0) {
    return Finding{Property::kHomeCurrent, "no holder, and the home's page is old"};
  }
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    if (view.stopped != 0) continue;
    const bool bit = (world.bits >> node & 1) != 0;
    const bool settled = view.queued == 0 && view.pending_count == 0;
    if (settled && bit != (view.own_bit != 0)) {
      return Finding{Property::kOwnBit, Node(node) + " is mistaken about its own bit"};
    }
    const bool holds = world.holder_plus_one == node + 1;
    if (view.mapping == Mapping::kWritable && !holds) {
      return Finding{Property::kHolderWord, Node(node) + " may write and is not the holder"};
    }
  }
  return std::nullopt;
}

}  // namespace

const char* Name(Property property) {
  static constexpr std::array<const char*, 11> kNames = {"single writer or many readers",
                                                         "every read returns the last write",
                                                         "your bit is yours",
                                                         "only the holder changes the holder word",
                                                         "the home is current when nobody holds",
                                                         "no impossible step",
                                                         "page-table changes fit the mapping",
                                                         "queues are bounded",
                                                         "no failure without a dead node",
                                                         "no deadlock",
                                                         "every request can complete"};
  return kNames[static_cast<size_t>(property)];
}

std::optional<Finding> CheckState(const World& world, const Variant& variant) {
  if (std::optional<Finding> finding = CheckMappings(world, variant)) return finding;
  return CheckWords(world, variant);
}

bool AtRest(const World& world, const Variant& variant) {
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    if (view.stopped != 0) continue;
    const bool resting = view.state == State::kInvalid || view.state == State::kShared ||
                         view.state == State::kExclusive;
    if (!resting || view.waiting != 0 || view.queued != 0 || view.pending_count != 0 ||
        view.deferred_count != 0 || view.chain != Chain::kIdle) {
      return false;
    }
    for (uint32_t other = 0; other < variant.nodes; ++other) {
      if (world.channels[node][other][0].kind != 0) return false;
    }
  }
  return true;
}

}  // namespace farpage::model
