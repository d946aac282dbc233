#include "bench/apps/problems/ycsb.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace farpage::apps {

namespace {

constexpr double kTheta = 0.99;
constexpr uint64_t kSubclasses = 16;

// Latencies below 16 ns have a class each; above, each power of two is divided into 16.
size_t ClassOf(uint64_t ns) {
  if (ns < kSubclasses) return ns;
  const auto power = static_cast<uint64_t>(std::bit_width(ns)) - 5;
  return power * kSubclasses + (ns >> power);
}

uint64_t UpperBoundOf(size_t number) {
  if (number < 2 * kSubclasses) return number;
  const uint64_t power = number / kSubclasses - 1;
  return ((number % kSubclasses + kSubclasses + 1) << power) - 1;
}

double Microseconds(uint64_t ns) { return static_cast<double>(ns) * 1e-3; }

}  // namespace

double UpdateFraction(Mix mix) {
  switch (mix) {
    case Mix::kA:
      return 0.5;
    case Mix::kB:
      return 0.05;
    case Mix::kC:
      return 0;
  }
  return 0;
}

ZipfianRanks::ZipfianRanks(uint64_t count) : count_(count), zeta_(0), alpha_(1 / (1 - kTheta)) {
  for (uint64_t rank = 1; rank <= count; ++rank) {
    zeta_ += std::pow(static_cast<double>(rank), -kTheta);
  }
  const double zeta_of_two = 1 + std::pow(0.5, kTheta);
  eta_ = (1 - std::pow(2.0 / static_cast<double>(count), 1 - kTheta)) / (1 - zeta_of_two / zeta_);
}

uint64_t ZipfianRanks::Draw(CounterRandom& random) const {
  const double fraction = random.Fraction();
  const double scaled = fraction * zeta_;
  if (scaled < 1 || count_ == 1) return 0;
  if (scaled < 1 + std::pow(0.5, kTheta) || count_ == 2) return 1;
  const double rank = static_cast<double>(count_) * std::pow(eta_ * fraction - eta_ + 1, alpha_);
  return std::min(static_cast<uint64_t>(rank), count_ - 1);
}

Requests::Requests(const ZipfianRanks& ranks, uint64_t records, Mix mix, uint64_t seed,
                   uint64_t client)
    : ranks_(ranks),
      records_(records),
      update_below_(static_cast<uint64_t>(UpdateFraction(mix) * 0x1p63)),
      random_(seed, client) {}

Request Requests::Next() {
  const Operation operation =
      random_() >> 1 < update_below_ ? Operation::kUpdate : Operation::kRead;
  // The popular are all over the table, as in YCSB.
  const uint64_t rank = ranks_.Draw(random_);
  return {operation, CounterRandom::Mix(rank + 1) % records_};
}

void Latencies::Add(uint64_t ns) {
  ++counts[std::min(ClassOf(ns), kClasses - 1)];
  ++count;
  sum_ns += ns;
  least_ns = std::min(least_ns, ns);
  most_ns = std::max(most_ns, ns);
}

Latencies& Latencies::operator+=(const Latencies& other) {
  for (size_t number = 0; number < kClasses; ++number) counts[number] += other.counts[number];
  count += other.count;
  sum_ns += other.sum_ns;
  least_ns = std::min(least_ns, other.least_ns);
  most_ns = std::max(most_ns, other.most_ns);
  return *this;
}

uint64_t Latencies::PercentileNs(double fraction) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count)));
  uint64_t seen = 0;
  for (size_t number = 0; number < kClasses; ++number) {
    seen += counts[number];
    if (seen >= wanted && seen > 0) return std::min(UpperBoundOf(number), most_ns);
  }
  return most_ns;
}

std::string YcsbLines(double seconds, const std::array<Latencies, kOperations>& latencies) {
  constexpr std::array kNames = {"READ", "UPDATE"};
  uint64_t operations = 0;
  for (const Latencies& of_one : latencies) operations += of_one.count;
  std::string lines =
      absl::StrFormat("[OVERALL], RunTime(ms), %.0f\n[OVERALL], Throughput(ops/sec), %.1f\n",
                      seconds * 1e3, static_cast<double>(operations) / seconds);
  for (size_t operation = 0; operation < kOperations; ++operation) {
    const Latencies& of_one = latencies[operation];
    if (of_one.count == 0) continue;
    const auto line = [&](const char* what, double value) {
      absl::StrAppendFormat(&lines, "[%s], %s, %.3f\n", kNames[operation], what, value);
    };
    absl::StrAppendFormat(&lines, "[%s], Operations, %d\n", kNames[operation], of_one.count);
    line("AverageLatency(us)", Microseconds(of_one.sum_ns) / static_cast<double>(of_one.count));
    line("MinLatency(us)", Microseconds(of_one.least_ns));
    line("MaxLatency(us)", Microseconds(of_one.most_ns));
    line("95thPercentileLatency(us)", Microseconds(of_one.PercentileNs(0.95)));
    line("99thPercentileLatency(us)", Microseconds(of_one.PercentileNs(0.99)));
    absl::StrAppendFormat(&lines, "[%s], Return=OK, %d\n", kNames[operation], of_one.count);
  }
  return lines;
}

}  // namespace farpage::apps
