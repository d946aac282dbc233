// Results beside what they should be.
#ifndef FARPAGE_BENCH_APPS_FRAME_COMPARE_H_
#define FARPAGE_BENCH_APPS_FRAME_COMPARE_H_

#include <cmath>
#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace farpage::apps {

// OK if there are as many and all are equal, else where the first difference is. NaN equals
// nothing.
template <typename T>
absl::Status CompareExactly(std::span<const T> found, std::span<const T> expected) {
  if (found.size() != expected.size()) {
    return absl::DataLossError(
        absl::StrCat("there are ", found.size(), " values instead of ", expected.size()));
  }
  for (size_t index = 0; index < found.size(); ++index) {
    if (!(found[index] == expected[index])) {
      return absl::DataLossError(
          absl::StrCat("value ", index, " is ", found[index], " instead of ", expected[index]));
    }
  }
  return absl::OkStatus();
}

// The same where |found − expected| may be up to `tolerance` × (1 + |expected|).
inline absl::Status CompareNearly(std::span<const double> found, std::span<const double> expected,
                                  double tolerance) {
  if (found.size() != expected.size()) {
    return absl::DataLossError(
        absl::StrCat("there are ", found.size(), " values instead of ", expected.size()));
  }
  for (size_t index = 0; index < found.size(); ++index) {
    const double difference = std::abs(found[index] - expected[index]);
    if (!(difference <= tolerance * (1 + std::abs(expected[index])))) {
      return absl::DataLossError(absl::StrCat("value ", index, " is ", found[index], " instead of ",
                                              expected[index], ", which is not within ",
                                              tolerance));
    }
  }
  return absl::OkStatus();
}

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_COMPARE_H_
