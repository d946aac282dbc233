#include "runtime/cli/perf/cases.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/memory/pager.h"
#include "transport/transport.h"

namespace farpage::cli::perf {
namespace {

constexpr uint64_t kPage = internal::kPageBytes;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kMostNodes = 16;  // of one job here: they share the processors
constexpr uint64_t kMostSharers = 3;
constexpr uint64_t kMostSamples = 10'000'000;  // fit in memory easily
constexpr uint64_t kMostPages = 65'536;        // where each iteration takes a page

constexpr SizeRule kNothing{};
constexpr SizeRule kWord{.preset = 8};
constexpr SizeRule kMessage{.preset = transport::kMessageBytes};
constexpr SizeRule kOnePage{.preset = kPage};
constexpr SizeRule kBatch{.preset = 64 * 8};
constexpr SizeRule kTransfer{.preset = kPage, .least = 1, .most = 64 * kMiB, .sweeps = true};

constexpr std::array kCases = {
    Case{
        .name = "fabric_read",
        .summary = "one-sided read",
        .run = FabricRead,
        .size = kTransfer,
        .iterations = 1000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "fabric_write",
        .summary = "one-sided write",
        .run = FabricWrite,
        .size = kTransfer,
        .iterations = 1000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "fabric_faa",
        .summary = "fetch-and-add of 8 bytes",
        .run = FabricFetchAndAdd,
        .size = kWord,
        .iterations = 1000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "fabric_chain",
        .summary = "one chain: fetch-and-add, read of 16 bytes, read of a page",
        .run = FabricChain,
        .size = kOnePage,
        .iterations = 1000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "fabric_message",
        .summary = "a message to another node's mailbox, one way",
        .run = FabricMessage,
        .size = kMessage,
        .iterations = 1000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "fabric_event",
        .summary = "a message to a node that sleeps until it comes, one way",
        .run = FabricEvent,
        .size = kMessage,
        .iterations = 1000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "fault_floor",
        .summary = "a page fault served at once: no fabric, no protocol",
        .run = FaultFloorCase,
        .size = kOnePage,
        .iterations = 8192,
        .most_iterations = kMostPages,
        .nodes = 1,
    },
    Case{
        .name = "parts",
        .summary = "the pieces of misses and upgrades, by turns: no protocol",
        .run = PartsCase,
        .size = kNothing,
        .iterations = 1000,
        .most_iterations = kMostPages,
    },
    Case{
        .name = "wake",
        .summary = "one thread wakes another that sleeps, until that runs",
        .run = WakeCase,
        .size = kNothing,
        .iterations = 1000,
        .most_iterations = kMostSamples,
        .nodes = 1,
    },
    Case{
        .name = "read_miss",
        .summary = "first read of a page that nobody holds",
        .run = ReadMiss,
        .size = kOnePage,
        .iterations = 8192,
        .most_iterations = kMostPages,
        .nodes = 3,
        .prefetch = false,
    },
    Case{
        .name = "write_miss",
        .summary = "first write to a page that nobody holds or shares",
        .run = WriteMiss,
        .size = kOnePage,
        .iterations = 8192,
        .most_iterations = kMostPages,
        .nodes = 3,
        .prefetch = false,
    },
    Case{
        .name = "upgrade",
        .summary = "write to a page that is here for reading, with --sharers others",
        .run = Upgrade,
        .size = kOnePage,
        .iterations = 2048,
        .most_iterations = kMostPages,
        .takes_sharers = true,
        .prefetch = false,
    },
    Case{
        .name = "ping_pong",
        .summary = "two nodes write to one page in turn: one hand-over",
        .run = PingPong,
        .size = kOnePage,
        .iterations = 2000,
        .most_iterations = kMostPages,
        .prefetch = false,
    },
    Case{
        .name = "false_sharing",
        .summary = "two nodes write to words of their own in one page: 64 writes",
        .run = FalseSharing,
        .size = kBatch,
        .iterations = 500'000,
        .most_iterations = kMostSamples,
        .prefetch = false,
    },
    Case{
        .name = "scan",
        .summary = "sequential read of memory that is not here yet",
        .run = Scan,
        .size = {.preset = 64 * kMiB, .least = kPage, .most = 512 * kMiB, .multiple = kPage},
        .iterations = 5,
        .most_iterations = 1000,
        .nodes = 3,
    },
    Case{
        .name = "hit",
        .summary = "loop over shared memory that is here, against private memory",
        .run = Hit,
        .size = {.preset = kMiB, .least = kPage, .most = 256 * kMiB, .multiple = kPage},
        .iterations = 2000,
        .most_iterations = 1'000'000,
    },
    Case{
        .name = "barrier",
        .summary = "barrier over --nodes nodes",
        .run = BarrierCase,
        .size = kNothing,
        .iterations = 5000,
        .most_iterations = kMostSamples,
        .nodes = 0,
    },
    Case{
        .name = "mutex",
        .summary = "lock and unlock: alone with a remote home, and two nodes in turn",
        .run = MutexCase,
        .size = kNothing,
        .iterations = 50'000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "atomic",
        .summary = "fetch_add on a remote element of an AtomicArray",
        .run = AtomicCase,
        .size = kWord,
        .iterations = 20'000,
        .most_iterations = kMostSamples,
    },
    Case{
        .name = "release_miss",
        .summary = "release consistency: first read of a page",
        .run = ReleaseMiss,
        .size = kOnePage,
        .iterations = 8192,
        .most_iterations = kMostPages,
        .prefetch = false,
    },
    Case{
        .name = "first_write",
        .summary = "release consistency: first write to a page that is here",
        .run = FirstWrite,
        .size = kOnePage,
        .iterations = 8192,
        .most_iterations = kMostPages,
        .prefetch = false,
    },
    Case{
        .name = "release",
        .summary = "release consistency: release of 1,000 written pages, per page",
        .run = ReleaseCase,
        .size = kNothing,
        .iterations = 20,
        .most_iterations = 10'000,
    },
    Case{
        .name = "acquire",
        .summary = "release consistency: barrier after 0 … 1,000 pages here were changed elsewhere",
        .run = AcquireCase,
        .size = {.preset = 64 * kMiB, .least = kPage, .most = 1024 * kMiB, .multiple = kPage},
        .iterations = 30,
        .most_iterations = 10'000,
    },
    Case{
        .name = "release_barrier",
        .summary = "release consistency: barrier over --nodes nodes, nothing changed",
        .run = ReleaseBarrier,
        .size = {.preset = 64 * kMiB, .least = kPage, .most = 1024 * kMiB, .multiple = kPage},
        .iterations = 5000,
        .most_iterations = kMostSamples,
        .nodes = 0,
    },
    Case{
        .name = "release_false_sharing",
        .summary = "two nodes write alternate words of 64 pages, 1,000 writes and a barrier",
        .run = ReleasedFalseSharing,
        .size = kNothing,
        .iterations = 10,
        .most_iterations = 100'000,
    },
};

absl::Status Wrong(const Case& one, std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(one.name), ": ", std::string(text)));
}

absl::Status SettleSizes(const Case& one, const Wishes& wishes, bool lenient, Settings& settings) {
  const SizeRule& rule = one.size;
  settings.sizes = {rule.preset};
  if (wishes.all_sizes) {
    if (rule.sweeps) {
      settings.sizes = AllSizes();
    } else if (!lenient) {
      return Wrong(one, "takes no -a; fabric_read and fabric_write do");
    }
  }
  if (!wishes.bytes_given) return absl::OkStatus();
  if (rule.most == 0) {
    if (lenient) return absl::OkStatus();
    return Wrong(one, rule.preset == 0 ? "takes no -s: it moves no data of its own"
                                       : absl::StrCat("takes no -s: an operation is about ",
                                                      rule.preset, " bytes"));
  }
  const auto bytes = static_cast<uint64_t>(wishes.bytes);
  if (wishes.bytes <= 0 || bytes < rule.least || bytes > rule.most || bytes % rule.multiple != 0) {
    return Wrong(
        one, absl::StrCat("-s takes ", rule.least, " to ", rule.most, " bytes",
                          rule.multiple > 1 ? absl::StrCat(", a multiple of ", rule.multiple) : "",
                          ", not ", wishes.bytes));
  }
  settings.sizes = {bytes};
  return absl::OkStatus();
}

}  // namespace

std::span<const Case> Cases() { return kCases; }

const Case* FindCase(std::string_view name) {
  const auto found = std::find_if(kCases.begin(), kCases.end(),
                                  [name](const Case& one) { return one.name == name; });
  return found == kCases.end() ? nullptr : found;
}

std::vector<uint64_t> AllSizes() {
  std::vector<uint64_t> sizes;
  for (uint64_t bytes = 8; bytes <= kMiB; bytes *= 2) sizes.push_back(bytes);
  return sizes;
}

absl::StatusOr<Settings> Settle(const Case& one, const Wishes& wishes, bool lenient) {
  Settings settings;
  if (absl::Status ok = SettleSizes(one, wishes, lenient, settings); !ok.ok()) return ok;

  settings.iterations = one.iterations;
  if (wishes.iterations_given) {
    const auto most = static_cast<int64_t>(one.most_iterations);
    if (wishes.iterations < 1 || (wishes.iterations > most && !lenient)) {
      return Wrong(one, absl::StrCat("-n takes 1 to ", most, ", not ", wishes.iterations));
    }
    settings.iterations = static_cast<uint64_t>(std::min(wishes.iterations, most));
  }

  if (wishes.sharers >= 0 && !one.takes_sharers && !lenient) {
    return Wrong(one, "takes no --sharers; upgrade does");
  }
  if (wishes.sharers > static_cast<int64_t>(kMostSharers)) {
    return Wrong(one,
                 absl::StrCat("--sharers takes 0 to ", kMostSharers, ", not ", wishes.sharers));
  }
  settings.sharers =
      one.takes_sharers ? static_cast<uint32_t>(std::max<int64_t>(wishes.sharers, 0)) : 0;

  settings.nodes = one.nodes == 0 ? 2 : one.nodes + settings.sharers;
  if (wishes.nodes != 0) {
    if (one.nodes != 0 && !lenient) {
      return Wrong(one, absl::StrCat("takes no --nodes: it needs ", settings.nodes));
    }
    if (wishes.nodes < 2 || wishes.nodes > static_cast<int64_t>(kMostNodes)) {
      return Wrong(one, absl::StrCat("--nodes takes 2 to ", kMostNodes, ", not ", wishes.nodes));
    }
    if (one.nodes == 0) settings.nodes = static_cast<uint32_t>(wishes.nodes);
  }
  return settings;
}

std::string CaseList() {
  std::string list;
  for (const Case& one : kCases) {
    absl::StrAppendFormat(&list, "  %-15s %s\n", std::string(one.name), std::string(one.summary));
  }
  return list;
}

}  // namespace farpage::cli::perf
