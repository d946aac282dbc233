// A named number of a report.
#ifndef FARPAGE_BENCH_APPS_FRAME_FIGURE_H_
#define FARPAGE_BENCH_APPS_FRAME_FIGURE_H_

#include <string>

namespace farpage::apps {

struct Figure {
  std::string name;  // as a member's name in JSON: "size", "keys_per_second"
  double value = 0;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_FIGURE_H_
