#include "bench/scale/soft_roce.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace farpage::bench::scale {

using internal::kPageBytes;

namespace {

constexpr const char* kMedian = "p50_ns";

struct Source {
  int64_t Pieces::*piece;
  const char* row;
  const char* field = kMedian;
};

constexpr std::array kSources = {
    Source{&Pieces::fault_copy, "parts/fault_copy"},
    Source{&Pieces::install, "parts/fault_copy", "floor_ns"},
    Source{&Pieces::fault_unprotect, "parts/fault_unprotect"},
    Source{&Pieces::unprotect, "parts/fault_unprotect", "floor_ns"},
    Source{&Pieces::zap, "parts/zap"},
    Source{&Pieces::post, "parts/post"},
    Source{&Pieces::atomic, "parts/atomic"},
    Source{&Pieces::chain_entry, "parts/chain_entry"},
    Source{&Pieces::chain_page, "parts/chain_page"},
    Source{&Pieces::send, "parts/send"},
    Source{&Pieces::receive, "parts/receive"},
    Source{&Pieces::look, "parts/look"},
    Source{&Pieces::clock, "parts/clock"},
    Source{&Pieces::wake_call, "wake/one_processor", "call_ns"},
    Source{&Pieces::wake_same, "wake/one_processor"},
    Source{&Pieces::wake_other, "wake/two_processors"},
    Source{&Pieces::event_same, "fabric_event/one_processor"},
    Source{&Pieces::event_other, "fabric_event/two_processors"},
    Source{&Pieces::arm, "fabric_event/two_processors", "arm_ns"},
};

int64_t AtLeast0(int64_t ns) { return std::max<int64_t>(ns, 0); }

}  // namespace

const Pieces kSessionOfDocs = {.fault_copy = 219'800,
                               .install = 91'100,
                               .fault_unprotect = 254'600,
                               .unprotect = 21'700,
                               .zap = 146'100,
                               .post = 127'600,
                               .atomic = 132'000,
                               .chain_entry = 222'300,
                               .chain_page = 640'800,
                               .send = 95'000,
                               .receive = 6'900,
                               .look = 800,
                               .clock = 200,
                               .wake_call = 13'600,
                               .wake_same = 13'600,
                               .wake_other = 347'400,
                               .event_same = 425'300,
                               .event_other = 3'085'100,
                               .arm = 4'000};

absl::StatusOr<Pieces> PiecesOf(const PerfResults& results) {
  Pieces pieces{};
  for (const Source& source : kSources) {
    const absl::StatusOr<double> median = results.Median(source.row, source.field);
    if (!median.ok()) return median.status();
    pieces.*source.piece = static_cast<int64_t>(*median);
  }
  return pieces;
}

void ForEachPiece(const Pieces& pieces,
                  const std::function<void(const std::string& name, int64_t ns)>& visit) {
  for (const Source& source : kSources) {
    std::string name = source.row;
    if (source.field != kMedian) absl::StrAppend(&name, " ", source.field);
    visit(name, pieces.*source.piece);
  }
}

Machine SoftRoceMachine(const Pieces& pieces, uint32_t processors) {
  // Soft-RoCE executes all but reads within the poster's call, also the peer's part of it: it is
  // overhead, and next to nothing is left for the wire.
  const int64_t wire_ns = AtLeast0(pieces.atomic - pieces.post - pieces.look) / 2;
  const int64_t read_ns = AtLeast0(pieces.chain_entry - pieces.atomic);
  const int64_t page_ns = AtLeast0(pieces.chain_page - pieces.chain_entry - read_ns);
  const int64_t fault_ns = (AtLeast0(pieces.fault_copy - pieces.install) +
                            AtLeast0(pieces.fault_unprotect - pieces.unprotect)) /
                           2;
  const int64_t switch_ns = AtLeast0(pieces.wake_same - pieces.wake_call);
  // On one processor the sender goes to sleep before the receiver runs.
  const int64_t event_ns =
      AtLeast0(pieces.event_same - pieces.send - pieces.arm - switch_ns - pieces.receive);
  return {
      .name = "rxe",
      .latency = {.wire_ns = wire_ns,
                  .overhead_ns = pieces.post,
                  .receive_ns = pieces.receive,
                  .gap_ns = 0,
                  .byte_ps = page_ns * 1000 / static_cast<int64_t>(kPageBytes),
                  .read_ns = read_ns,
                  .poll_ns = pieces.look,
                  .clock_ns = pieces.clock,
                  .arm_ns = pieces.arm,
                  .wake_ns = AtLeast0(pieces.event_other - pieces.send - pieces.receive - event_ns),
                  .event_ns = event_ns,
                  .own_node_ns = wire_ns},
      .processors = {.count = processors,
                     .switch_ns = switch_ns,
                     .call_ns = pieces.wake_call,
                     .wake_ns = AtLeast0(pieces.wake_other - pieces.wake_call)},
      .pager = {.install_ns = pieces.install, .protect_ns = pieces.unprotect, .zap_ns = pieces.zap},
      .fault_ns = fault_ns * 2 / 3,
      .return_ns = fault_ns / 3,
      .spin_ns = 20'000,
      .minimum_hold_ns = 2 * fault_ns};
}

}  // namespace farpage::bench::scale
