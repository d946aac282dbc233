#include "bench/apps/problems/random_access.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace farpage::apps {

namespace {

// The product of two polynomials, modulo that of the stream.
uint64_t Multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (; b != 0; b >>= 1) {
    if ((b & 1) != 0) product ^= a;
    a = (a << 1) ^ ((a >> 63) != 0 ? 7 : 0);
  }
  return product;
}

}  // namespace

UpdateStream::UpdateStream(uint64_t position) : value_(1) {
  for (uint64_t power = 2; position != 0; position >>= 1) {
    if ((position & 1) != 0) value_ = Multiply(value_, power);
    power = Multiply(power, power);
  }
}

void UpdateAll(std::span<uint64_t> table) {
  // The numbers of a batch are known before its first update, so that the processor has many words
  // under way at once; a loop that draws one at a time would be no fair comparison.
  std::array<uint64_t, kLookAhead> batch;
  UpdateStream stream;
  for (uint64_t left = kUpdatesPerWord * table.size(); left > 0;) {
    const size_t count = std::min<uint64_t>(left, batch.size());
    std::generate_n(batch.begin(), count, [&] { return stream.Next(); });
    ApplyUpdates({batch.data(), count}, table, 0, table.size() - 1);
    left -= count;
  }
}

uint64_t CountErrors(std::span<const uint64_t> table, std::span<const uint64_t> expected) {
  return std::transform_reduce(table.begin(), table.end(), expected.begin(), uint64_t{0},
                               std::plus<>(),
                               [](uint64_t a, uint64_t b) { return a == b ? 0 : 1; });
}

}  // namespace farpage::apps
