// Numbers for people.
#ifndef FARPAGE_BENCH_APPS_FRAME_FORMAT_H_
#define FARPAGE_BENCH_APPS_FRAME_FORMAT_H_

#include <cstdint>
#include <string>

namespace farpage::apps {

// "1,234,567"
std::string WithSeparators(uint64_t number);
// "512 B", "1.2 kB", "34.5 MB", …: powers of 1,000.
std::string FormatBytes(uint64_t bytes);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_FORMAT_H_
