// barrier, mutex and atomic.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/barriers.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/job_node.h"
#include "runtime/sync/atomic_words.h"

namespace farpage::cli::perf {

absl::Status MeasureBarriers(JobNode& job, std::string_view name, uint64_t iterations,
                             std::vector<std::pair<std::string, double>> figures,
                             const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<WordLinks>> links = WordLinks::Create(job);
  if (!links.ok()) return links.status();
  Samples barriers(iterations);
  Samples bares(iterations);
  double cpu_ns = 0;
  absl::Status status =
      Alternate(iterations, {[&](uint64_t begin, uint64_t end) {
                               const CpuTime cpu(cpu_ns);
                               absl::Status ok;
                               for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                 barriers.Time([&] { ok = job.node().barrier().Wait(); });
                               }
                               return ok;
                             },
                             [&](uint64_t begin, uint64_t end) {
                               absl::Status ok;
                               for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                 bares.Time([&] { ok = (*links)->ExchangeWithAll(); });
                               }
                               return ok;
                             }});
  if (!status.ok()) return status;
  if (job.measures()) {
    sink({.name = absl::StrCat(std::string(name), "/nodes:", job.size()),
          .bytes = 0,
          .iterations = iterations,
          .time = barriers.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(iterations),
          .floor_ns = bares.MedianNs(),
          .floor = "a word from each node to each other, looked for without sleep",
          .figures = std::move(figures)});
  }
  return job.Meet("the end");
}

absl::Status BarrierCase(const Settings& settings, const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<JobNode>> job = JobNode::Join();
  if (!job.ok()) return job.status();
  return MeasureBarriers(**job, "barrier", settings.iterations, {}, sink);
}

namespace {

constexpr uint32_t kLockHome = 0;

// A lock at home on kLockHome. Collective: names decide on homes.
absl::StatusOr<std::shared_ptr<internal::QueueLock>> MakeRemoteLock(JobNode& job) {
  constexpr int kTries = 64;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    absl::StatusOr<std::shared_ptr<internal::QueueLock>> lock =
        job.node().locks().Make(absl::StrCat("measured lock ", attempt));
    if (!lock.ok() || (*lock)->home() == NodeId(kLockHome)) return lock;
  }
  return absl::InternalError("no lock comes to have its home on node 0");
}

absl::Status LockAndUnlock(internal::QueueLock& lock) {
  if (absl::Status ok = lock.Lock(); !ok.ok()) return ok;
  return lock.Unlock();
}

absl::Status Uncontended(JobNode& job, internal::QueueLock& lock, FabricFloor& fabric,
                         uint64_t iterations, const RowSink& sink) {
  Samples pairs(iterations);
  Samples atomics(iterations);
  double cpu_ns = 0;
  absl::Status status =
      Alternate(iterations, {[&](uint64_t begin, uint64_t end) {
                               const CpuTime cpu(cpu_ns);
                               absl::Status ok;
                               for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                 pairs.Time([&] { ok = LockAndUnlock(lock); });
                               }
                               return ok;
                             },
                             [&](uint64_t begin, uint64_t end) {
                               absl::Status ok;
                               for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                 atomics.Time([&] {
                                   ok = fabric.Atomic(0);
                                   if (ok.ok()) ok = fabric.Atomic(0);
                                 });
                               }
                               return ok;
                             }});
  if (!status.ok() || !job.measures()) return status;
  sink({.name = "mutex/uncontended",
        .bytes = 0,
        .iterations = iterations,
        .time = pairs.Summarize(),
        .cpu_ns = cpu_ns / static_cast<double>(iterations),
        .floor_ns = atomics.MedianNs(),
        .floor = "two fabric atomics",
        .figures = {}});
  return absl::OkStatus();
}

// Both nodes lock and unlock until the measuring one has had its turns.
absl::Status Contended(JobNode& job, internal::QueueLock& lock, FabricFloor& fabric,
                       WordLinks& links, uint64_t iterations, const RowSink& sink) {
  constexpr uint64_t kStart = 1;
  constexpr uint64_t kStop = 2;
  const uint32_t other = job.measures() ? 0 : job.size() - 1;
  const uint64_t contended_before = job.node().counters().Snapshot()[Counter::contended_locks];
  Samples pairs(job.measures() ? iterations : 0);
  Samples atomics(job.measures() ? iterations : 0);
  double cpu_ns = 0;
  uint64_t sections = 0;
  if (absl::Status ok = job.Meet("contend"); !ok.ok()) return ok;
  absl::Status status = links.StartTogether(other, kStart);
  if (!status.ok()) return status;
  const int64_t begin_ns = NowNs();
  int64_t end_ns = begin_ns;
  if (job.measures()) {
    {
      const CpuTime cpu(cpu_ns);
      for (; sections < iterations && status.ok(); ++sections) {
        pairs.Time([&] { status = LockAndUnlock(lock); });
      }
    }
    end_ns = NowNs();
    if (status.ok()) status = links.to(other).Signal(kStop);
    for (uint64_t turn = 0; turn < iterations && status.ok(); ++turn) {
      atomics.Time([&] {
        status = fabric.Atomic(0);
        if (status.ok()) status = fabric.Atomic(0);
      });
    }
  } else {
    for (; !links.to(other).Arrived(kStop) && status.ok(); ++sections) {
      status = LockAndUnlock(lock);
    }
  }
  if (!status.ok()) return status;
  const double contended = static_cast<double>(
      job.node().counters().Snapshot()[Counter::contended_locks] - contended_before);
  absl::StatusOr<std::vector<double>> all = job.Gather("sections", static_cast<double>(sections));
  if (!all.ok()) return all.status();
  if (job.measures()) {
    const double total = (*all)[0] + (*all)[1];
    sink({.name = "mutex/contended",
          .bytes = 0,
          .iterations = iterations,
          .time = pairs.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(iterations),
          .floor_ns = atomics.MedianNs(),
          .floor = "two fabric atomics",
          .figures = {{"ns_per_critical_section", static_cast<double>(end_ns - begin_ns) / total},
                      {"turns_ratio",
                       std::min((*all)[0], (*all)[1]) / std::max({(*all)[0], (*all)[1], 1.0})},
                      {"share_contended", contended / static_cast<double>(iterations)}}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MutexCase(const Settings& settings, const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<JobNode>> joined = JobNode::Join();
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::shared_ptr<internal::QueueLock>> lock = MakeRemoteLock(job);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<std::unique_ptr<FabricFloor>> fabric =
      FabricFloor::Create(job, NodeId(kLockHome), 1);
  if (!fabric.ok()) return fabric.status();
  absl::StatusOr<std::unique_ptr<WordLinks>> links = WordLinks::Create(job);
  if (!links.ok()) return links.status();
  if (job.measures()) {
    absl::Status ok = Uncontended(job, **lock, **fabric, settings.iterations, sink);
    if (!ok.ok()) return ok;
  }
  absl::Status ok = Contended(job, **lock, **fabric, **links, settings.iterations, sink);
  if (!ok.ok()) return ok;
  return job.Meet("the end");
}

absl::Status AtomicCase(const Settings& settings, const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<JobNode>> joined = JobNode::Join();
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::shared_ptr<internal::AtomicWordsImpl>> words =
      internal::AtomicWordsImpl::Create(job.cluster(), "measured words", job.size());
  if (!words.ok()) return words.status();
  absl::StatusOr<std::unique_ptr<FabricFloor>> fabric = FabricFloor::Create(job, NodeId(0), 1);
  if (!fabric.ok()) return fabric.status();
  if (job.measures()) {
    Samples adds(settings.iterations);
    Samples atomics(settings.iterations);
    double cpu_ns = 0;
    absl::Status status = Alternate(settings.iterations,
                                    {[&](uint64_t begin, uint64_t end) {
                                       const CpuTime cpu(cpu_ns);
                                       for (uint64_t turn = begin; turn < end; ++turn) {
                                         adds.Time([&] { (*words)->FetchAdd(0, 1); });
                                       }
                                       return absl::OkStatus();
                                     },
                                     [&](uint64_t begin, uint64_t end) {
                                       absl::Status ok;
                                       for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                         atomics.Time([&] { ok = (*fabric)->Atomic(0); });
                                       }
                                       return ok;
                                     }});
    if (!status.ok()) return status;
    if ((*words)->Load(0) != settings.iterations) {
      return absl::DataLossError("the atomic element has lost additions");
    }
    sink({.name = "atomic/fetch_add",
          .bytes = sizeof(uint64_t),
          .iterations = settings.iterations,
          .time = adds.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(settings.iterations),
          .floor_ns = atomics.MedianNs(),
          .floor = "a fabric atomic",
          .figures = {}});
  }
  return job.Meet("the end");
}

}  // namespace farpage::cli::perf
