// The parameters of the model for Soft-RoCE, from what `farpage perf` measures of pieces.
#ifndef FARPAGE_BENCH_SCALE_SOFT_ROCE_H_
#define FARPAGE_BENCH_SCALE_SOFT_ROCE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "bench/scale/cases.h"
#include "bench/scale/perf_results.h"

namespace farpage::bench::scale {

// Medians in ns. No miss and no upgrade is among them.
struct Pieces {
  // perf parts: one after the other, by turns
  int64_t fault_copy;       // a fault and the page's installing
  int64_t install;          // the latter alone
  int64_t fault_unprotect;  // a fault and the lifting of write protection
  int64_t unprotect;        // the latter alone
  int64_t zap;
  int64_t post;         // the call that posts an atomic
  int64_t atomic;       // until its end is seen
  int64_t chain_entry;  // an atomic and a read of 16 bytes
  int64_t chain_page;   // the same and a read of a page
  int64_t send;         // the call that sends a message, to the own node
  int64_t receive;      // from there on, until it is received
  int64_t look;         // for completions and messages, in vain
  int64_t clock;
  // perf wake
  int64_t wake_call;   // waking a thread, for who does it
  int64_t wake_same;   // from that call until the thread runs, on the same processor
  int64_t wake_other;  // … and on another one, which was idle
  // perf fabric_event
  int64_t event_same;   // a message, one way, to a node that sleeps, on the same processor
  int64_t event_other;  // … and on another one, which is idle
  int64_t arm;          // asking for an event
};

// Errors: NOT_FOUND names the figure that `results` lack.
absl::StatusOr<Pieces> PiecesOf(const PerfResults& results);

// Calls `visit` with each piece: the row of perf it is from, and its figure if that is not the
// times' median, "wake/one_processor call_ns".
void ForEachPiece(const Pieces& pieces,
                  const std::function<void(const std::string& name, int64_t ns)>& visit);

// `processors`: as Processors::count; the guest's for what runs in one guest, 0 for a guest of each
// node's own.
Machine SoftRoceMachine(const Pieces& pieces, uint32_t processors);

// The session of docs/scale.md.
extern const Pieces kSessionOfDocs;

}  // namespace farpage::bench::scale

#endif  // FARPAGE_BENCH_SCALE_SOFT_ROCE_H_
