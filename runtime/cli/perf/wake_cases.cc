// wake and fabric_event: what it takes until a thread that sleeps runs again.
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/fabric_pair.h"
#include "runtime/cli/perf/fabric_tools.h"
#include "runtime/cli/perf/processors.h"
#include "runtime/futex.h"
#include "runtime/memory/pager.h"

namespace farpage::cli::perf {
namespace {

// Who has been left alone for so long sleeps, and so does its processor; also where emulated.
constexpr int64_t kPauseNs = 500'000;

void Pause(int64_t ns) {
  const int64_t end = NowNs() + ns;
  while (NowNs() < end) internal::SpinPause();
}

absl::Status NotWoken() { return absl::DeadlineExceededError("a thread was not woken in time"); }

// Where the two sides of a measurement run: on one processor, or on one each.
struct Places {
  const char* name;
  std::array<uint32_t, 2> processors;
};

absl::StatusOr<std::vector<Places>> AllPlaces() {
  const absl::StatusOr<std::vector<uint32_t>> allowed = AllowedProcessors();
  if (!allowed.ok()) return allowed.status();
  const std::vector<uint32_t>& all = *allowed;
  std::vector<Places> places = {{"one_processor", {all[0], all[0]}}};
  if (all.size() > 1) places.push_back({"two_processors", {all[0], all[1]}});
  return places;
}

// Two threads that wake each other by turns and sleep until they are woken.
class Relay {
 public:
  Relay(uint64_t rounds, int64_t pause_ns)
      : rounds_(rounds), pause_ns_(pause_ns), latencies_(rounds), calls_(rounds) {}

  // The side that measures: wakes the other, and sleeps until it is woken.
  bool Measure() {
    for (uint32_t round = 0; round < rounds_; ++round) {
      Pause(pause_ns_);
      const int64_t begun = NowNs();
      Wake(2 * round + 1);
      const int64_t called = NowNs();
      if (!Await(2 * round + 2)) return false;
      calls_.Add(called - begun);
      latencies_.Add(ran_ns_ - begun);
    }
    return true;
  }

  // The other side.
  void Answer() {
    for (uint32_t round = 0; round < rounds_; ++round) {
      if (!Await(2 * round + 1)) return;
      ran_ns_ = NowNs();
      Pause(pause_ns_);
      Wake(2 * round + 2);
    }
  }

  Samples& latencies() { return latencies_; }
  Samples& calls() { return calls_; }

 private:
  void Wake(uint32_t turn) {
    turn_.store(turn);
    internal::FutexWakeAll(&turn_);
  }

  bool Await(uint32_t turn) {
    const int64_t deadline = NowNs() + kPatienceNs;
    while (turn_.load() != turn) {
      if (NowNs() >= deadline) return false;
      internal::FutexWait(&turn_, turn - 1, deadline);
    }
    return true;
  }

  const uint64_t rounds_;
  const int64_t pause_ns_;
  std::atomic<uint32_t> turn_{0};
  int64_t ran_ns_ = 0;  // when the other side ran; handed over with its turn
  Samples latencies_;
  Samples calls_;
};

absl::Status MeasureWake(const Places& places, uint64_t iterations, const RowSink& sink) {
  // On one processor the woken thread runs when the other sleeps: there nobody may pause.
  const bool apart = places.processors[0] != places.processors[1];
  Relay relay(iterations, apart ? kPauseNs : 0);
  absl::Status placed;
  std::thread other([&] {
    placed = RunOn({places.processors[1]});
    relay.Answer();
  });
  absl::Status here = RunOn({places.processors[0]});
  const bool done = relay.Measure();
  other.join();
  if (!here.ok()) return here;
  if (!placed.ok()) return placed;
  if (!done) return NotWoken();
  sink({.name = absl::StrCat("wake/", places.name),
        .bytes = 0,
        .iterations = iterations,
        .time = relay.latencies().Summarize(),
        .cpu_ns = 0,
        .floor = {},
        .figures = {{"call_ns", relay.calls().MedianNs()}}});
  return absl::OkStatus();
}

}  // namespace

// From the call that wakes a thread until that thread runs.
absl::Status WakeCase(const Settings& settings, const RowSink& sink) {
  const absl::StatusOr<std::vector<Places>> all = AllPlaces();
  if (!all.ok()) return all.status();
  for (const Places& places : *all) {
    if (absl::Status ok = MeasureWake(places, settings.iterations, sink); !ok.ok()) return ok;
  }
  return absl::OkStatus();
}

namespace {

// Messages between two nodes that sleep until one comes.
class SleepingPair {
 public:
  SleepingPair(FabricPair& pair, uint64_t rounds, int64_t pause_ns)
      : pair_(pair), pause_ns_(pause_ns), messages_(rounds), arms_(rounds) {}

  absl::Status MeasureOne() {
    Arm();
    Pause(pause_ns_);
    const int64_t begun = NowNs();
    absl::Status ok = Send();
    if (ok.ok()) ok = SleepAndReceive();
    messages_.Add((NowNs() - begun - pause_ns_) / 2);  // the other node has paused too
    return ok;
  }

  absl::Status AnswerOne() {
    absl::Status ok = SleepAndReceive();
    Pause(pause_ns_);
    return ok.ok() ? Send() : ok;
  }

  Samples& messages() { return messages_; }
  Samples& arms() { return arms_; }

 private:
  // Going to sleep without sleeping: asks the device for an event, and looks once more.
  void Arm() {
    arms_.Time([this] { pair_.transport().WaitForEvents(0); });
  }

  absl::Status Send() {
    return FateStatus(pair_.transport().Send(pair_.peer(), transport::Message{}), pair_.peer());
  }

  absl::Status SleepAndReceive() {
    const int64_t deadline = NowNs() + kPatienceNs;
    std::array<transport::ReceivedMessage, 1> got;
    while (pair_.transport().Receive(got) == 0) {
      if (!pair_.transport().WaitForEvents(deadline)) return NotWoken();
    }
    return absl::OkStatus();
  }

  FabricPair& pair_;
  const int64_t pause_ns_;
  Samples messages_;
  Samples arms_;
};

absl::Status MeasureEvents(FabricPair& pair, const Places& places, uint64_t iterations,
                           const RowSink& sink) {
  const bool apart = places.processors[0] != places.processors[1];
  const uint32_t side = pair.measures() ? 1 : 0;
  absl::Status status = RunOn({places.processors[side]});
  if (!status.ok()) return status;
  if (status = pair.Meet(places.name); !status.ok()) return status;
  SleepingPair sleepers(pair, pair.measures() ? iterations : 0, apart ? kPauseNs : 0);
  for (uint64_t turn = 0; turn < iterations && status.ok(); ++turn) {
    status = pair.measures() ? sleepers.MeasureOne() : sleepers.AnswerOne();
  }
  if (!status.ok() || !pair.measures()) return status;
  sink({.name = absl::StrCat("fabric_event/", places.name),
        .bytes = transport::kMessageBytes,
        .iterations = iterations,
        .time = sleepers.messages().Summarize(),
        .cpu_ns = 0,
        .floor = {},
        .figures = {{"arm_ns", sleepers.arms().MedianNs()}}});
  return absl::OkStatus();
}

}  // namespace

// A message, from the call that sends it until the node that slept has it: one way.
absl::Status FabricEvent(const Settings& settings, const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<FabricPair>> pair = FabricPair::Join(internal::kPageBytes);
  if (!pair.ok()) return pair.status();
  const absl::StatusOr<std::vector<Places>> all = AllPlaces();
  if (!all.ok()) return all.status();
  for (const Places& places : *all) {
    absl::Status ok = MeasureEvents(**pair, places, settings.iterations, sink);
    if (!ok.ok()) return ok;
  }
  return (*pair)->Meet("the end");
}

}  // namespace farpage::cli::perf
