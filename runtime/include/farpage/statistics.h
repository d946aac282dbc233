// What a node has done, counted. Each counter is declared once, in the list below.
#ifndef FARPAGE_STATISTICS_H_
#define FARPAGE_STATISTICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace farpage {

// X(name, unit, meaning)
#define FARPAGE_COUNTERS(X)                                                                \
  X(read_faults, "faults", "reads of pages that were not here")                            \
  X(write_faults, "faults", "writes to pages that were not here")                          \
  X(upgrade_faults, "faults", "writes to pages that were here for reading")                \
  X(joined_faults, "faults", "faults on pages another thread was already fetching")        \
  X(home_faults, "faults", "faults on pages whose home is this node (counted above too)")  \
  X(prefetched_pages, "pages", "pages brought here before they were asked for")            \
  X(installed_pages, "pages", "pages made accessible here")                                \
  X(miss_chains, "chains", "chains posted to fetch pages")                                 \
  X(clean_misses, "misses", "misses that needed no other node's processor")                \
  X(clean_miss_chains, "chains", "chains those clean misses took")                         \
  X(read_bytes, "bytes", "bytes read from other nodes' memory, pages and directory words") \
  X(write_bytes, "bytes", "bytes written to other nodes' memory")                          \
  X(fabric_atomics, "operations", "compare-and-swaps and fetch-and-adds posted")           \
  X(messages_sent, "messages", "messages put into other nodes' mailboxes")                 \
  X(messages_received, "messages", "messages taken from the mailbox")                      \
  X(invalidations_sent, "messages", "copies other nodes were asked to drop")               \
  X(invalidations_received, "messages", "copies this node was asked to drop")              \
  X(fetches_sent, "messages", "pages asked of their holder")                               \
  X(fetches_received, "messages", "pages this node was asked for as holder")               \
  X(hand_overs, "pages", "pages handed to another node for writing")                       \
  X(downgrades, "pages", "pages given up for writing but kept for reading")                \
  X(refusals_sent, "messages", "fetches answered with NACK")                               \
  X(retries, "retries", "fetches started again after a NACK or a poisoned answer")         \
  X(poisoned_fetches, "fetches", "fetches an invalidation overtook")                       \
  X(held_invalidations, "messages", "invalidations that waited for the minimum hold")      \
  X(evicted_clean, "pages", "read-only pages dropped to make room")                        \
  X(evicted_dirty, "pages", "written pages sent home to make room")                        \
  X(twins, "pages", "pages whose bytes were kept at their first write")                    \
  X(diffs, "pages", "pages whose changed bytes were sent home")                            \
  X(diff_bytes, "bytes", "changed bytes sent home")                                        \
  X(notices_written, "notices", "entries appended to this node's log of pages written")    \
  X(notices_read, "notices", "entries read from other nodes' logs")                        \
  X(named_pages, "pages", "copies dropped because a notice named them")                    \
  X(merged_pages, "pages", "copies that took over what a notice told of, and stayed")      \
  X(kept_pages, "pages", "released pages that stay writable: they are written every time") \
  X(overrun_logs, "logs", "logs that had gone on too far: all copies were dropped")        \
  X(agent_wakeups, "wake-ups", "times the agent thread was woken from sleep")              \
  X(sleeps, "sleeps", "waits of application threads that outlasted their spin")            \
  X(barriers, "barriers", "barriers passed")                                               \
  X(locks, "locks", "mutexes acquired")                                                    \
  X(contended_locks, "locks", "mutexes acquired after waiting for another node")           \
  X(chunk_allocations, "allocations", "allocations from shared memory resources")

enum class Counter : uint16_t {
#define FARPAGE_X(name, unit, meaning) name,
  FARPAGE_COUNTERS(FARPAGE_X)
#undef FARPAGE_X
};

struct CounterInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view meaning;
};

inline constexpr std::array kCounters = {
#define FARPAGE_X(name, unit, meaning) CounterInfo{#name, unit, meaning},
    FARPAGE_COUNTERS(FARPAGE_X)
#undef FARPAGE_X
};

// A snapshot of all counters. Trivially copyable.
struct Statistics {
  std::array<uint64_t, kCounters.size()> values{};

  uint64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
  Statistics& operator+=(const Statistics& other);
  // Counts since `earlier`.
  Statistics operator-(const Statistics& earlier) const;
  // One line per counter that is not zero: name, value, unit, meaning.
  std::string ToText() const;
  // A JSON object: {"read_faults": 12, …}, all counters.
  std::string ToJson() const;
};

}  // namespace farpage

#endif  // FARPAGE_STATISTICS_H_
