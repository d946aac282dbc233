#include "tests/model/release_world.h"

#include <algorithm>

#include "tests/model/hash.h"

namespace farpage::release_model {
namespace {

using Naming = std::array<uint8_t, kMostNodes>;

// Calls `visit` with every number that counts entries of the node's log.
template <typename Visit>
void ForEachCount(World& world, const Variant& variant, uint32_t log, const Visit& visit) {
  visit(world.nodes[log].length);
  visit(world.nodes[log].reserved);
  visit(world.lengths[log]);
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    visit(world.nodes[node].seen[log]);
    visit(world.nodes[node].clock[log]);
  }
  for (uint32_t lock = 0; lock < variant.locks; ++lock) visit(world.locks[lock].clock[log]);
}

// What is known to all nobody will look at: in the log, or in the clock of a free lock.
void ForgetKnown(World& world, const Variant& variant, uint32_t log) {
  Count known = kNewest + kMostNotices;
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    if (node != log) known = std::min(known, world.nodes[node].seen[log]);
  }
  for (Lock& lock : world.locks) {
    if (lock.clock[log] <= known) lock.clock[log] = 0;
  }
  NodeView& owner = world.nodes[log];
  for (uint32_t age = 0; age < variant.ring; ++age) {
    if (owner.length - 1u - age < known) owner.ring[age] = 0;
  }
}

uint32_t RenameSet(uint32_t set, const Naming& name) {
  uint32_t renamed = 0;
  for (uint32_t node = 0; node < kMostNodes; ++node) {
    if ((set >> node & 1) != 0) renamed |= 1u << name[node];
  }
  return renamed;
}

Clock RenameClock(const Clock& clock, const Naming& name) {
  Clock renamed;
  for (uint32_t node = 0; node < kMostNodes; ++node) renamed[name[node]] = clock[node];
  return renamed;
}

World Renamed(const World& world, const Naming& name) {
  World renamed = world;
  for (uint32_t page = 0; page < kMostPages; ++page) {
    for (uint32_t byte = 0; byte < kMostBytes; ++byte) {
      const uint32_t order = world.order[page][byte];
      renamed.order[page][byte] = static_cast<Order>((order & ~63u) | RenameSet(order & 7, name) |
                                                     RenameSet(order >> 3 & 7, name) << 3);
    }
  }
  renamed.arrived = static_cast<Bits>(RenameSet(world.arrived, name));
  renamed.lengths = RenameClock(world.lengths, name);
  for (uint32_t index = 0; index < kMostLocks; ++index) {
    Lock& lock = renamed.locks[index];
    if (lock.holder_plus_one != 0) {
      lock.holder_plus_one = static_cast<uint8_t>(name[lock.holder_plus_one - 1u] + 1);
    }
    for (uint32_t at = 0; at < lock.waiting; ++at) lock.queue[at] = name[lock.queue[at]];
    lock.clock = RenameClock(lock.clock, name);
  }
  for (uint32_t node = 0; node < kMostNodes; ++node) {
    NodeView& view = renamed.nodes[name[node]];
    view = world.nodes[node];
    view.seen = RenameClock(view.seen, name);
    view.clock = RenameClock(view.clock, name);
    view.unread = static_cast<Bits>(RenameSet(view.unread, name));
    if (view.phase == Phase::kReadReserved) view.reading = name[view.reading];
  }
  return renamed;
}

}  // namespace

World StartOf(const Variant& variant) {
  World world;
  for (uint32_t page = 0; page < variant.pages; ++page) {
    for (uint32_t byte = 0; byte < variant.bytes; ++byte) {
      world.order[page][byte] = static_cast<Order>((1u << variant.nodes) - 1);
    }
    if (variant.homes[page] != Variant::kNobody) {
      world.nodes[variant.homes[page]].copies[page].mapping = Mapping::kReadOnly;
    }
  }
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    NodeView& view = world.nodes[node];
    view.acquisitions = variant.acquisitions;
    view.barriers = variant.barriers;
    view.stores = variant.stores;
    view.others = variant.others;
    for (uint32_t other = 0; other < variant.nodes; ++other) {
      if (other != node) view.seen[other] = kNewest;
    }
  }
  return world;
}

void Normalise(World& world, const Variant& variant) {
  for (uint32_t log = 0; log < variant.nodes; ++log) {
    ForgetKnown(world, variant, log);
    const int length = world.nodes[log].length;
    const int near = length - static_cast<int>(variant.ring) - 1;  // from here on distances count
    std::array<Count, 16> old{};
    size_t count = 0;
    ForEachCount(world, variant, log, [&](Count& at) {
      if (at == 0 || at >= near) return;
      if (std::find(old.begin(), old.begin() + count, at) == old.begin() + count) old[count++] = at;
    });
    std::sort(old.begin(), old.begin() + count);
    const auto oldest =
        static_cast<int>(kNewest) - static_cast<int>(variant.ring) - 1 - static_cast<int>(count);
    ForEachCount(world, variant, log, [&](Count& at) {
      if (at == 0) return;
      const int to =
          at >= near
              ? at - length + kNewest
              : static_cast<int>(std::find(old.begin(), old.begin() + count, at) - old.begin()) +
                    oldest;
      at = static_cast<Count>(to);
    });
  }
}

uint64_t Fingerprint(const World& world, const Variant& variant) {
  uint64_t least = model::Hash(&world, sizeof(world));
  Naming name{0, 1, 2};
  while (std::next_permutation(name.begin(), name.end())) {
    bool allowed = true;
    for (uint32_t node = 0; node < kMostNodes; ++node) {
      const bool may = node < variant.nodes && variant.Exchangeable(node) &&
                       name[node] < variant.nodes && variant.Exchangeable(name[node]);
      allowed = allowed && (name[node] == node || may);
    }
    if (!allowed) continue;
    const World renamed = Renamed(world, name);
    least = std::min(least, model::Hash(&renamed, sizeof(renamed)));
  }
  return least;
}

}  // namespace farpage::release_model
