#include "bench/apps/problems/kv.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace farpage::apps {

namespace {

constexpr uint64_t kRequestSeed = 20100611;

}  // namespace

ServiceResult& ServiceResult::operator+=(const ServiceResult& other) {
  for (size_t operation = 0; operation < kOperations; ++operation) {
    latencies[operation] += other.latencies[operation];
  }
  wrong += other.wrong;
  return *this;
}

void KvProblem::AddOptions(CLI::App& app) {
  const std::map<std::string, Mix> mixes = {{"a", Mix::kA}, {"b", Mix::kB}, {"c", Mix::kC}};
  app.add_option("--workload", mix_,
                 "of YCSB: a (half are updates), b (one in twenty) or c (reads only)")
      ->transform(CLI::CheckedTransformer(mixes, CLI::ignore_case))
      ->default_str("a");
  app.add_option("--records", records_, "records of 1,000 bytes in the store")
      ->check(CLI::Range(size_t{1}, size_t{1} << 24))
      ->capture_default_str();
  app.add_option("--operations", operations_, "reads and updates in all")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--clients", clients_, "independent sequences of requests")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
}

std::vector<Figure> KvProblem::Figures(double seconds) const {
  return {{"workload", static_cast<double>(mix_)},
          {"records", static_cast<double>(records_)},
          {"operations", static_cast<double>(operations_)},
          {"operations_per_second", static_cast<double>(operations_) / seconds}};
}

void KvProblem::PrepareRequests() {
  if (!ranks_.has_value()) ranks_.emplace(records_);
}

Requests KvProblem::RequestsOf(uint32_t client) const {
  return {*ranks_, records_, mix_, kRequestSeed, client};
}

absl::Status KvProblem::Load(HashTable table, Range buckets) const {
  for (size_t number = 0; number < records_; ++number) {
    const uint64_t key = KeyOf(number);
    const size_t bucket = table.BucketOf(key);
    if (bucket < buckets.begin || bucket >= buckets.end) continue;
    if (absl::Status inserted = table.Insert(key); !inserted.ok()) return inserted;
  }
  return absl::OkStatus();
}

void KvProblem::PreparePlain() {
  PrepareRequests();
  plain_.assign(buckets() * HashTable::kRecordsPerBucket, Record{});
  plain_service_ = {};
  // What is missing is found by Verify().
  Load(HashTable(plain_), {0, buckets()}).IgnoreError();
}

void KvProblem::ComputePlain() {
  const HashTable table(plain_);
  const auto nothing = [](size_t /*bucket*/) {};
  for (uint32_t client = 0; client < clients_; ++client) {
    Serve(table, client, nothing, nothing, plain_service_);
  }
}

absl::Status KvProblem::Verify() {
  absl::PrintF("%s", YcsbLines(run_seconds, service.latencies));
  if (service.wrong != 0) {
    return absl::DataLossError(absl::StrCat(service.wrong, " answers were no whole record"));
  }
  const HashTable expected(plain_);
  const HashTable found(result);
  uint64_t updates = 0;
  for (size_t number = 0; number < records_; ++number) {
    const uint64_t key = KeyOf(number);
    const Record* const record = found.Find(key);
    const Record* const plain = expected.Find(key);
    if (record == nullptr || plain == nullptr) {
      return absl::DataLossError(absl::StrCat("record ", number, " is missing"));
    }
    if (!IsWhole(*record)) {
      return absl::DataLossError(absl::StrCat("record ", number, " is not whole"));
    }
    if (record->version != plain->version) {
      return absl::DataLossError(absl::StrCat("record ", number, " was updated ", record->version,
                                              " times instead of ", plain->version));
    }
    updates += record->version;
  }
  const uint64_t done = service.latencies[static_cast<size_t>(Operation::kUpdate)].count;
  if (updates != done) {
    return absl::DataLossError(
        absl::StrCat("records have ", updates, " updates, but ", done, " were done"));
  }
  return absl::OkStatus();
}

}  // namespace farpage::apps
