#include "tests/model/world.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tests/model/hash.h"

namespace farpage::model {
namespace {

using Naming = std::array<uint8_t, kMostNodes>;

uint8_t RenameSet(uint8_t set, const Naming& name) {
  uint8_t renamed = 0;
  for (uint32_t node = 0; set >> node != 0; ++node) {
    if ((set >> node & 1) != 0) renamed = static_cast<uint8_t>(renamed | 1u << name[node]);
  }
  return renamed;
}

uint8_t RenamePlusOne(uint8_t plus_one, const Naming& name) {
  return plus_one == 0 ? uint8_t{0} : static_cast<uint8_t>(name[plus_one - 1u] + 1);
}

Op RenameOp(Op op, const Naming& name) {
  const bool names_node = op.kind == OpKind::kSetBit || op.kind == OpKind::kClearBit ||
                          op.kind == OpKind::kTransfer || op.kind == OpKind::kMessage;
  if (names_node) op.node = name[op.node] & 7;
  return op;
}

void RenameInside(NodeView& node, const Naming& name) {
  node.partner_plus_one = RenamePlusOne(node.partner_plus_one, name) & 0xF;
  node.need = RenameSet(node.need, name);
  node.found_plus_one = RenamePlusOne(node.found_plus_one, name);
  node.found_sharers = RenameSet(node.found_sharers, name);
  for (uint32_t index = 0; index < node.deferred_count; ++index) {
    const uint8_t request = node.deferred[index];
    node.deferred[index] = static_cast<uint8_t>(name[request / 2] * 2 + request % 2);
  }
  for (uint32_t index = 0; index < node.pending_count; ++index) {
    const uint8_t effect = node.pending[index];
    node.pending[index] = static_cast<uint8_t>((effect & 0xF8) | RenamePlusOne(effect & 7, name));
  }
  for (uint32_t index = 0; index < node.queued; ++index) {
    node.queue[index] = RenameOp(node.queue[index], name);
  }
}

// A number that stays the same when nodes are renamed.
uint64_t Features(const World& world, uint32_t index, const Variant& variant) {
  NodeView node = world.nodes[index];
  const bool has_partner = node.partner_plus_one != 0;
  const int needed = std::popcount(node.need);
  const int sharers = std::popcount(node.found_sharers);
  const bool found = node.found_plus_one != 0;
  node.partner_plus_one = has_partner ? 1 : 0;
  node.need = static_cast<uint8_t>(needed);
  node.found_sharers = static_cast<uint8_t>(sharers);
  node.found_plus_one = found ? 1 : 0;
  for (uint8_t& request : node.deferred) request &= 1;
  for (uint8_t& effect : node.pending) effect &= 0xF8;
  for (Op& op : node.queue) op.node = 0;
  uint64_t links = (world.holder_plus_one == index + 1 ? 1u : 0u) + 2u * (world.bits >> index & 1);
  uint64_t in = 0;
  uint64_t out = 0;
  for (uint32_t other = 0; other < variant.nodes; ++other) {
    uint32_t bytes;
    std::memcpy(&bytes, &world.channels[other][index], 4);
    in += Mix(1, bytes);
    std::memcpy(&bytes, &world.channels[index][other], 4);
    out += Mix(2, bytes);
    links += (world.nodes[other].need >> index & 1) * 16u;
    if (world.nodes[other].partner_plus_one == index + 1) links += 256;
  }
  return Mix(Mix(Mix(Hash(&node, sizeof(node)), in), out), links);
}
static_assert(sizeof(std::array<Message, kMostMessages>) == 4);

struct Ranked {
  uint32_t kind;  // exchangeable class
  uint64_t features;
  uint8_t node;
  friend bool operator<(const Ranked& a, const Ranked& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.features < b.features;
  }
  bool Ties(const Ranked& other) const { return kind == other.kind && features == other.features; }
};

}  // namespace

uint32_t World::MessageCount(uint32_t from, uint32_t to) const {
  uint32_t count = 0;
  while (count < kMostMessages && channels[from][to][count].kind != 0) ++count;
  return count;
}

World Renamed(const World& world, const Naming& name, uint32_t nodes) {
  World renamed;
  renamed.holder_plus_one = RenamePlusOne(world.holder_plus_one, name);
  renamed.bits = RenameSet(world.bits, name);
  renamed.frame_current = world.frame_current;
  renamed.home_stopped = world.home_stopped;
  for (uint32_t from = 0; from < nodes; ++from) {
    NodeView& node = renamed.nodes[name[from]];
    node = world.nodes[from];
    RenameInside(node, name);
    for (uint32_t to = 0; to < nodes; ++to) {
      renamed.channels[name[from]][name[to]] = world.channels[from][to];
    }
  }
  return renamed;
}

uint64_t Fingerprint(const World& world, const Variant& variant) {
  std::array<Ranked, kMostNodes> order{};
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    order[node] = {variant.ClassOf(node), Features(world, node, variant),
                   static_cast<uint8_t>(node)};
  }
  for (uint32_t end = 1; end < variant.nodes; ++end) {  // std::sort is slow on so few
    for (uint32_t at = end; at > 0 && order[at] < order[at - 1]; --at) {
      std::swap(order[at], order[at - 1]);
    }
  }

  // Nodes that the features do not tell apart are tried in every order; the least hash counts.
  uint64_t least = ~uint64_t{0};
  std::array<uint8_t, kMostNodes> place{0, 1, 2, 3};
  do {
    bool keeps_order = true;
    for (uint32_t rank = 0; rank < variant.nodes; ++rank) {
      keeps_order = keeps_order && order[place[rank]].Ties(order[rank]);
    }
    if (!keeps_order) continue;
    Naming name{};
    for (uint32_t rank = 0; rank < variant.nodes; ++rank) {
      name[order[place[rank]].node] = static_cast<uint8_t>(rank);
    }
    const World renamed = Renamed(world, name, variant.nodes);
    least = std::min(least, Hash(&renamed, sizeof(renamed)));
  } while (std::next_permutation(place.begin(), place.begin() + variant.nodes));
  return least;
}

}  // namespace farpage::model
