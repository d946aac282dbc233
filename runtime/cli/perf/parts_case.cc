// parts: what misses and upgrades are made of, each piece by itself.
#include <array>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/fabric_pair.h"
#include "runtime/cli/perf/fabric_tools.h"
#include "runtime/cli/perf/fault_floor.h"
#include "runtime/cli/perf/page_order.h"

namespace farpage::cli::perf {
namespace {

using internal::kPageBytes;
using transport::Completion;
using transport::Fate;
using transport::Operation;

constexpr FaultFloor::Kind kCopied = FaultFloor::Kind::kCopied;
constexpr uint32_t kEntryBytes = 16;
constexpr int kLooks = 32;  // that are timed together

// Pieces come by turns, as in misses: in a loop of its own each would find the caches full of its
// own code and data, which no miss does.
class Parts {
 public:
  Parts(FabricPair& pair, FaultFloor& floor, uint64_t turns)
      : pair_(pair), floor_(floor), turns_(turns), order_(RandomOrder(turns)) {
    for (Samples* samples : All()) *samples = Samples(turns);
  }

  absl::Status Run() {
    pair_.transport().BeginPolling();
    absl::Status ok;
    for (uint64_t turn = 0; turn < turns_ && ok.ok(); ++turn) ok = One(turn);
    pair_.transport().EndPolling();
    return ok;
  }

  void Report(const RowSink& sink) {
    const double install_ns = install_.MedianNs();
    const double unprotect_ns = unprotect_.MedianNs();
    const auto report = [&](const char* name, Samples& samples, double floor_ns = 0) {
      sink({.name = absl::StrCat("parts/", name),
            .bytes = 0,
            .iterations = turns_,
            .time = samples.Summarize(),
            .cpu_ns = 0,
            .floor_ns = floor_ns,
            .floor = floor_ns > 0 ? "the same without a fault" : "",
            .figures = {}});
    };
    report("fault_copy", fault_copy_, install_ns);
    report("fault_unprotect", fault_unprotect_, unprotect_ns);
    report("zap", zap_);
    report("chain_page", chain_page_);
    report("chain_entry", chain_entry_);
    report("atomic", atomic_);
    report("post", post_);
    report("send", send_);
    report("receive", receive_);
    look_.Divide(kLooks);
    clock_.Divide(kLooks);
    report("look", look_);
    report("clock", clock_);
  }

 private:
  std::array<Samples*, 13> All() {
    return {&fault_copy_, &install_,    &fault_unprotect_, &unprotect_,
            &zap_,        &chain_page_, &chain_entry_,     &atomic_,
            &post_,       &send_,       &receive_,         &look_,
            &clock_};
  }

  absl::Status One(uint64_t turn) {
    const uint64_t faulted = order_[turn];
    const uint64_t spared = turns_ + order_[turn];
    std::byte* const page = floor_.page(kCopied, faulted);
    absl::Status ok;
    fault_copy_.Time([&] { TouchForReading(page); });
    chain_page_.Time([&] { ok = Chain(3, faulted); });
    if (!ok.ok()) return ok;
    install_.Time([&] { floor_.Install(kCopied, spared, Access::kRead); });
    chain_entry_.Time([&] { ok = Chain(2, faulted); });
    if (!ok.ok()) return ok;
    fault_unprotect_.Time([&] { TouchForWriting(page, turn); });
    if (ok = Atomic(); !ok.ok()) return ok;
    unprotect_.Time([&] { floor_.MakeWritable(kCopied, spared); });
    if (ok = MessageToItself(); !ok.ok()) return ok;
    zap_.Time([&] { floor_.Zap(kCopied, faulted); });
    Looks();
    return ok;
  }

  // The first `operations` of: a fetch-and-add, a read of a directory entry, a read of a page that
  // has not been read before.
  absl::Status Chain(size_t operations, uint64_t page) {
    std::byte* const here = pair_.memory().data();
    const transport::LocalKey key = pair_.memory().local_key();
    const std::array chain = {
        Operation::FetchAndAdd(pair_.there(), 1, reinterpret_cast<uint64_t*>(here), key),
        Operation::Read(here + 8, key, pair_.there(), kEntryBytes),
        Operation::Read(here + kPageBytes, key, pair_.there() + (1 + page) * kPageBytes,
                        kPageBytes)};
    return pair_.Run({chain.data(), operations});
  }

  absl::Status Atomic() {
    const std::array chain = {
        Operation::FetchAndAdd(pair_.there(), 1, reinterpret_cast<uint64_t*>(pair_.memory().data()),
                               pair_.memory().local_key())};
    Completion completion;
    std::array<Completion*, 1> done{};
    const int64_t begun = NowNs();
    Fate fate = pair_.transport().Post(pair_.peer(), chain, &completion);
    const int64_t posted = NowNs();
    if (fate == Fate::kPending) {
      const bool ended = SpinUntil([&] { return pair_.transport().Poll(done) > 0; });
      if (!ended) pair_.transport().MarkPeerFailed(pair_.peer(), "a chain did not end in time");
      fate = ended ? completion.fate : Fate::kTimedOut;
    }
    atomic_.Add(NowNs() - begun - ClockCostNs());
    post_.Add(posted - begun);
    return FateStatus(fate, pair_.peer());
  }

  // No other node, so that nobody has to be awake.
  absl::Status MessageToItself() {
    const NodeId self = pair_.transport().self();
    std::array<transport::ReceivedMessage, 1> got;
    Fate fate = Fate::kOk;
    send_.Time([&] { fate = pair_.transport().Send(self, transport::Message{}); });
    if (fate != Fate::kOk) return FateStatus(fate, self);
    bool came = false;
    receive_.Time([&] { came = SpinUntil([&] { return pair_.transport().Receive(got) > 0; }); });
    return FateStatus(came ? Fate::kOk : Fate::kTimedOut, self);
  }

  void Looks() {
    std::array<Completion*, 1> done{};
    std::array<transport::ReceivedMessage, 1> got;
    look_.Time([&] {
      for (int turn = 0; turn < kLooks; ++turn) {
        pair_.transport().Poll(done);
        pair_.transport().Receive(got);
      }
    });
    clock_.Time([&] {
      for (int turn = 0; turn < kLooks; ++turn) NowNs();
    });
  }

  FabricPair& pair_;
  FaultFloor& floor_;
  const uint64_t turns_;
  const std::vector<uint64_t> order_;
  Samples fault_copy_{0}, install_{0}, fault_unprotect_{0}, unprotect_{0}, zap_{0};
  Samples chain_page_{0}, chain_entry_{0}, atomic_{0}, post_{0}, send_{0}, receive_{0};
  Samples look_{0}, clock_{0};
};

}  // namespace

absl::Status PartsCase(const Settings& settings, const RowSink& sink) {
  const uint64_t turns = settings.iterations;
  return WithFabricPair((1 + turns) * kPageBytes, [&](FabricPair& pair) -> absl::Status {
    const absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
    if (!options.ok()) return options.status();
    absl::StatusOr<std::unique_ptr<FaultFloor>> floor =
        FaultFloor::Create(options->node.pager, 2 * turns);
    if (!floor.ok()) return floor.status();
    const FaultFloor::Scope scope(**floor, nullptr);
    Parts parts(pair, **floor, turns);
    if (absl::Status ok = parts.Run(); !ok.ok()) return ok;
    parts.Report(sink);
    return absl::OkStatus();
  });
}

}  // namespace farpage::cli::perf
