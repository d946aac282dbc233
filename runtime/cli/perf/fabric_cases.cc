// The fabric by itself: a transport, memory on each node, and nothing of the runtime above it.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runtime/bootstrap/membership.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/fabric_tools.h"
#include "runtime/memory/pager.h"
#include "transport/factory.h"

namespace farpage::cli::perf {
namespace {

using transport::Operation;
using transport::RemoteAddress;

// One of two nodes: a transport and equally large memory on both. Node 1 measures.
class FabricPair {
 public:
  static absl::StatusOr<std::unique_ptr<FabricPair>> Join(size_t bytes) {
    const absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
    if (!options.ok()) return options.status();
    auto pair = std::make_unique<FabricPair>();
    pair->patience_ = absl::Milliseconds(options->cluster.timeout_ms);
    const absl::Time deadline = absl::Now() + absl::Milliseconds(options->cluster.join_timeout_ms);
    absl::StatusOr<std::unique_ptr<bootstrap::Membership>> membership =
        bootstrap::JoinCluster(options->node, deadline);
    if (!membership.ok()) return membership.status();
    pair->membership_ = *std::move(membership);
    const NodeOptions& own = options->node;
    absl::StatusOr<std::unique_ptr<transport::Transport>> made =
        transport::CreateTransport(*pair->membership_,
                                   {options->cluster.transport, own.verbs_device, own.verbs_port,
                                    own.verbs_gid_index, own.verbs_mtu_bytes},
                                   deadline);
    if (!made.ok()) return made.status();
    pair->transport_ = *std::move(made);
    absl::StatusOr<std::unique_ptr<transport::Memory>> memory =
        pair->transport_->Allocate(bytes, "measurements");
    if (!memory.ok()) return memory.status();
    pair->memory_ = *std::move(memory);
    std::memset(pair->memory_->data(), 0, bytes);

    const RemoteAddress where = pair->memory_->remote();
    transport::Contribution mine;
    mine.bytes.assign(reinterpret_cast<const char*>(&where), sizeof where);
    absl::StatusOr<std::vector<transport::Contribution>> all =
        pair->membership_->AllGather("memory", std::move(mine), deadline);
    if (!all.ok()) return all.status();
    std::memcpy(&pair->there_, (*all)[pair->peer().value()].bytes.data(), sizeof where);
    return pair;
  }

  ~FabricPair() {
    memory_.reset();
    transport_.reset();
    if (membership_ != nullptr) membership_->Leave();
  }

  bool measures() const { return transport_->self() == NodeId(1); }
  NodeId peer() const { return NodeId(1u - transport_->self().value()); }
  transport::Transport& transport() { return *transport_; }
  const transport::Memory& memory() const { return *memory_; }
  RemoteAddress there() const { return there_; }
  bool is_shared_memory() const { return transport_->capabilities().direct_access; }

  // Waits for the other node, without a word through the fabric.
  absl::Status Meet(std::string_view what) {
    return membership_->AllGather(what, {}, absl::Now() + patience_).status();
  }

  absl::Status Run(std::span<const Operation> chain) {
    return RunChain(*transport_, peer(), chain);
  }

 private:
  absl::Duration patience_;
  std::unique_ptr<bootstrap::Membership> membership_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<transport::Memory> memory_;
  RemoteAddress there_;
};

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

// Joins, lets `measure` run on the node that measures, and leaves together.
absl::Status WithPair(size_t bytes, const std::function<absl::Status(FabricPair&)>& measure) {
  absl::StatusOr<std::unique_ptr<FabricPair>> pair = FabricPair::Join(bytes);
  if (!pair.ok()) return pair.status();
  absl::Status status;
  if ((*pair)->measures()) status = measure(**pair);
  if (!status.ok()) return status;
  return (*pair)->Meet("the end");
}

using Mover = Operation (*)(FabricPair&, uint32_t bytes);

absl::Status Sweep(const Settings& settings, const RowSink& sink, std::string_view name,
                   Mover mover) {
  const uint64_t most = *std::max_element(settings.sizes.begin(), settings.sizes.end());
  return WithPair(most, [&](FabricPair& pair) {
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
  return WithPair(internal::kPageBytes, [&](FabricPair& pair) {
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
  return WithPair(2 * kPage, [&](FabricPair& pair) {
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
