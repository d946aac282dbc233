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
constexpr uint64_t kMostPages = 65'536;  // a case that takes a page per iteration
constexpr uint64_t kMany = 100'000'000;

constexpr SizeRule kNoSize{};
constexpr SizeRule kPageOnly{kPage, 0, 0, 1, false};
constexpr SizeRule kTransfer{kPage, 1, 64 * kMiB, 1, true};

constexpr std::array kCases = {
    Case{"fabric_read", "one-sided read", kTransfer, 1000, 1'000'000, 2, false, true, FabricRead},
    Case{"fabric_write", "one-sided write", kTransfer, 1000, 1'000'000, 2, false, true,
         FabricWrite},
    Case{"fabric_faa",
         "fetch-and-add of 8 bytes",
         {8, 0, 0, 1, false},
         1000,
         1'000'000,
         2,
         false,
         true,
         FabricFetchAndAdd},
    Case{"fabric_chain", "one chain: fetch-and-add, read of 16 bytes, read of a page", kPageOnly,
         1000, 1'000'000, 2, false, true, FabricChain},
    Case{"fabric_message",
         "a message to another node's mailbox, one way",
         {transport::kMessageBytes, 0, 0, 1, false},
         1000,
         1'000'000,
         2,
         false,
         true,
         FabricMessage},
    Case{"fault_floor", "a page fault served at once: no fabric, no protocol", kPageOnly, 8192,
         kMostPages, 1, false, true, FaultFloorCase},
    Case{"read_miss", "first read of a page that nobody holds", kPageOnly, 8192, kMostPages, 3,
         false, false, ReadMiss},
    Case{"write_miss", "first write to a page that nobody holds or shares", kPageOnly, 8192,
         kMostPages, 3, false, false, WriteMiss},
    Case{"upgrade", "write to a page that is here for reading, with --sharers others", kPageOnly,
         2048, kMostPages, 2, true, false, Upgrade},
    Case{"ping_pong", "two nodes write to one page in turn: one hand-over", kPageOnly, 2000,
         1'000'000, 2, false, false, PingPong},
    Case{"false_sharing",
         "two nodes write to words of their own in one page: 64 writes",
         {64 * 8, 0, 0, 1, false},
         5000,
         1'000'000,
         2,
         false,
         false,
         FalseSharing},
    Case{"scan",
         "sequential read of memory that is not here yet",
         {64 * kMiB, kPage, 512 * kMiB, kPage, false},
         5,
         1000,
         3,
         false,
         true,
         Scan},
    Case{"hit",
         "loop over shared memory that is here, against private memory",
         {kMiB, kPage, 256 * kMiB, kPage, false},
         2000,
         1'000'000,
         2,
         false,
         true,
         Hit},
    Case{"barrier", "barrier over --nodes nodes", kNoSize, 5000, kMany, 0, false, true,
         BarrierCase},
    Case{"mutex", "lock and unlock: alone with a remote home, and two nodes in turn", kNoSize, 5000,
         kMany, 2, false, true, MutexCase},
    Case{"atomic",
         "fetch_add on a remote element of an AtomicArray",
         {8, 0, 0, 1, false},
         20'000,
         kMany,
         2,
         false,
         true,
         AtomicCase},
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
