// The fabric by itself: a transport, memory on each node, and nothing of the runtime above it.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/fabric_pair.h"
#include "runtime/cli/perf/fabric_tools.h"
#include "runtime/memory/pager.h"

namespace farpage::cli::perf {
namespace {

using transport::Operation;

// Measures chains of one node against what `floor` does. `floor` may be empty.
absl::Status Measure(FabricPair& pair, uint64_t iterations, std::span<const Operation> chain,
                     const std::function<absl::Status()>& floor, Row row, const RowSink& sink) {
  for (uint64_t turn = 0; turn < std::min<uint64_t>(iterations, 100); ++turn) {
    if (absl::Status ok = pair.Run(chain); !ok.ok()) return ok;
  }
  Samples times(iterations);
  Samples floors(iterations);
  double cpu_ns = 0;
  const auto measure_chain = [&](uint64_t begin, uint64_t end) {
    const CpuTime cpu(cpu_ns);
    absl::Status status;
    for (uint64_t turn = begin; turn < end && status.ok(); ++turn) {
      times.Time([&] { status = pair.Run(chain); });
    }
    return status;
  };
  const auto measure_floor = [&](uint64_t begin, uint64_t end) {
    absl::Status status;
    for (uint64_t turn = begin; turn < end && floor && status.ok(); ++turn) {
      floors.Time([&] { status = floor(); });
    }
    return status;
  };
  if (absl::Status ok = Alternate(iterations, {measure_chain, measure_floor}); !ok.ok()) return ok;
  row.iterations = iterations;
  row.time = times.Summarize();
  row.cpu_ns = cpu_ns / static_cast<double>(iterations);
  row.floor_ns = floors.MedianNs();
  if (!floor) row.floor.clear();
  sink(row);
  return absl::OkStatus();
}

using Mover = Operation (*)(FabricPair&, uint32_t bytes);

absl::Status Sweep(const Settings& settings, const RowSink& sink, std::string_view name,
                   Mover mover) {
  const uint64_t most = *std::max_element(settings.sizes.begin(), settings.sizes.end());
  return WithFabricPair(most, [&](FabricPair& pair) {
    std::vector<std::byte> source(most, std::byte{1});
    std::vector<std::byte> target(most);
    for (const uint64_t bytes : settings.sizes) {
      std::function<absl::Status()> floor;
      if (pair.is_shared_memory()) {
        floor = [&, bytes] {
          std::memcpy(target.data(), source.data(), bytes);
          asm volatile("" : : "r"(target.data()) : "memory");
          return absl::OkStatus();
        };
      }
      const std::array chain = {mover(pair, static_cast<uint32_t>(bytes))};
      Row row{.name = absl::StrCat(std::string(name), "/", bytes),
              .bytes = bytes,
              .time = {},
              .floor = "memcpy of as many bytes within the process",
              .figures = {}};
      absl::Status ok = Measure(pair, settings.iterations, chain, floor, std::move(row), sink);
      if (!ok.ok()) return ok;
    }
    return absl::OkStatus();
  });
}

Operation AddOne(FabricPair& pair) {
  return Operation::FetchAndAdd(pair.there(), 1, reinterpret_cast<uint64_t*>(pair.memory().data()),
                                pair.memory().local_key());
}

}  // namespace

absl::Status FabricRead(const Settings& settings, const RowSink& sink) {
  return Sweep(settings, sink, "fabric_read", [](FabricPair& pair, uint32_t bytes) {
    return Operation::Read(pair.memory().data(), pair.memory().local_key(), pair.there(), bytes);
  });
}

absl::Status FabricWrite(const Settings& settings, const RowSink& sink) {
  return Sweep(settings, sink, "fabric_write", [](FabricPair& pair, uint32_t bytes) {
    return Operation::Write(pair.memory().data(), pair.memory().local_key(), pair.there(), bytes);
  });
}

absl::Status FabricFetchAndAdd(const Settings& settings, const RowSink& sink) {
  return WithFabricPair(internal::kPageBytes, [&](FabricPair& pair) {
    const std::array chain = {AddOne(pair)};
    std::atomic<uint64_t> word{0};
    std::function<absl::Status()> floor;
    if (pair.is_shared_memory()) {
      floor = [&word] {
        word.fetch_add(1);
        return absl::OkStatus();
      };
    }
    Row row{.name = "fabric_faa",
            .bytes = 8,
            .time = {},
            .floor = "the processor's fetch-and-add within the process",
            .figures = {}};
    return Measure(pair, settings.iterations, chain, floor, std::move(row), sink);
  });
}

absl::Status FabricChain(const Settings& settings, const RowSink& sink) {
  constexpr uint32_t kEntryBytes = 16;
  constexpr uint32_t kPage = internal::kPageBytes;
  return WithFabricPair(2 * kPage, [&](FabricPair& pair) {
    std::byte* here = pair.memory().data();
    const transport::LocalKey key = pair.memory().local_key();
    const std::array chain = {AddOne(pair),
                              Operation::Read(here + 8, key, pair.there(), kEntryBytes),
                              Operation::Read(here + kPage, key, pair.there() + kPage, kPage)};
    const std::array page_only = {chain[2]};
    const auto floor = [&] { return pair.Run(page_only); };
    Row row{.name = "fabric_chain",
            .bytes = kPage,
            .time = {},
            .floor = "the read of the page alone",
            .figures = {}};
    return Measure(pair, settings.iterations, chain, floor, std::move(row), sink);
  });
}

namespace {

// Messages there and back; the other node sends each back as soon as it finds it.
class Mail {
 public:
  explicit Mail(FabricPair& pair) : pair_(pair) {}

  absl::Status Send() {
    transport::Fate fate = transport::Fate::kNoCredit;
    const bool sent = SpinUntil([&] {
      fate = pair_.transport().Send(pair_.peer(), transport::Message{});
      return fate != transport::Fate::kNoCredit;
    });
    return FateStatus(sent ? fate : transport::Fate::kTimedOut, pair_.peer());
  }
  absl::Status Receive() {
    std::array<transport::ReceivedMessage, 1> got;
    const bool came = SpinUntil([&] { return pair_.transport().Receive(got) > 0; });
    return FateStatus(came ? transport::Fate::kOk : transport::Fate::kTimedOut, pair_.peer());
  }

 private:
  FabricPair& pair_;
};

// One turn of a ping-pong. The node that measures begins.
template <typename Ping, typename Pong>
absl::Status Turn(bool begins, const Ping& ping, const Pong& pong) {
  absl::Status first = begins ? ping() : pong();
  return first.ok() ? (begins ? pong() : ping()) : first;
}

}  // namespace

absl::Status FabricMessage(const Settings& settings, const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<FabricPair>> joined = FabricPair::Join(internal::kPageBytes);
  if (!joined.ok()) return joined.status();
  FabricPair& pair = **joined;
  Mail mail(pair);
  WordLink link(pair.transport(), pair.peer(), pair.memory().data(), pair.there());
  Samples messages(settings.iterations);
  Samples words(settings.iterations);
  double cpu_ns = 0;
  pair.transport().BeginPolling();
  absl::Status status = Alternate(settings.iterations,
                                  {[&](uint64_t begin, uint64_t end) {
                                     const CpuTime cpu(cpu_ns);
                                     absl::Status ok;
                                     for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                       messages.Time([&] {
                                         ok = Turn(
                                             pair.measures(), [&] { return mail.Send(); },
                                             [&] { return mail.Receive(); });
                                       });
                                     }
                                     return ok;
                                   },
                                   [&](uint64_t begin, uint64_t end) {
                                     absl::Status ok;
                                     for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                       words.Time([&] {
                                         ok = Turn(
                                             pair.measures(), [&] { return link.Signal(turn + 1); },
                                             [&] { return link.Await(turn + 1); });
                                       });
                                     }
                                     return ok;
                                   }});
  pair.transport().EndPolling();
  if (!status.ok()) return status;
  messages.Divide(2);
  words.Divide(2);
  if (pair.measures()) {
    sink({.name = "fabric_message",
          .bytes = transport::kMessageBytes,
          .iterations = settings.iterations,
          .time = messages.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(2 * settings.iterations),
          .floor_ns = words.MedianNs(),
          .floor = "a word written one-sidedly and looked for",
          .figures = {}});
  }
  return pair.Meet("the end");
}

}  // namespace farpage::cli::perf
