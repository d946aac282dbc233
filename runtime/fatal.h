// For broken invariants: says what was seen and stops the process.
#ifndef FARPAGE_RUNTIME_FATAL_H_
#define FARPAGE_RUNTIME_FATAL_H_

namespace farpage::internal {

// Formats like printf, writes one line to standard error and aborts. Signal-safe as far as snprintf
// without floating point is (glibc: it does not allocate for short strings).
[[noreturn, gnu::format(printf, 1, 2)]] void Fatal(const char* format, ...);

// The same without the end: a line that begins with "farpage: ".
[[gnu::format(printf, 1, 2)]] void Complain(const char* format, ...);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_FATAL_H_
