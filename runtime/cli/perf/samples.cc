#include "runtime/cli/perf/samples.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace farpage::cli::perf {

int64_t ClockCostNs() {
  static const int64_t cost = [] {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (int turn = 0; turn < 1000; ++turn) {
      const int64_t begin = NowNs();
      least = std::min(least, NowNs() - begin);
    }
    return least;
  }();
  return cost;
}

Samples::Samples(size_t count) : values_(count) { ClockCostNs(); }

void Samples::Add(int64_t elapsed_ns) {
  const auto value = static_cast<double>(std::max<int64_t>(elapsed_ns - ClockCostNs(), 0));
  if (size_ < values_.size()) {
    values_[size_] = value;
  } else {
    values_.push_back(value);
  }
  ++size_;
}

void Samples::Divide(double parts) {
  for (double& value : values_) value /= parts;
}

Summary Samples::Summarize() {
  if (size_ == 0) return {};
  values_.resize(size_);
  std::sort(values_.begin(), values_.end());
  const auto count = static_cast<double>(size_);
  const auto at = [&](double share) {
    const double rank = std::ceil(share * count);
    return values_[static_cast<size_t>(std::max(rank, 1.0)) - 1];
  };
  Summary summary{.min = values_.front(),
                  .max = values_.back(),
                  .typical = at(0.5),
                  .average = std::accumulate(values_.begin(), values_.end(), 0.0) / count,
                  .p99 = at(0.99),
                  .p999 = at(0.999)};
  double squares = 0;
  for (double value : values_) squares += (value - summary.average) * (value - summary.average);
  summary.deviation = std::sqrt(squares / count);
  return summary;
}

}  // namespace farpage::cli::perf
