#include "bench/apps/frame/measurement.h"

#include <algorithm>

namespace farpage::apps {

Measurement Median(std::vector<Measurement> measurements) {
  const auto middle =
      measurements.begin() + static_cast<std::ptrdiff_t>((measurements.size() - 1) / 2);
  std::ranges::nth_element(measurements, middle, {}, &Measurement::seconds);
  return *middle;
}

double Fastest(const std::vector<Measurement>& measurements) {
  return std::ranges::min(measurements, {}, &Measurement::seconds).seconds;
}

double Slowest(const std::vector<Measurement>& measurements) {
  return std::ranges::max(measurements, {}, &Measurement::seconds).seconds;
}

}  // namespace farpage::apps
