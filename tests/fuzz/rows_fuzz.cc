// Lines that a measuring node prints, as farpage perf reads them.
#include <cmath>

#include "runtime/cli/perf/row.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  namespace perf = farpage::cli::perf;
  FuzzInput input(data, size);
  const std::string mark = input.Flag() ? "farpage-perf-row " : "";
  const std::optional<perf::Row> row = perf::FromLine(mark + input.Rest());
  if (!row) return 0;
  const std::optional<perf::Row> again = perf::FromLine(perf::ToLine(*row));
  Expect(again.has_value(), "a row is read as it is written");
  Expect(again->name == row->name && again->bytes == row->bytes, "and says the same");
  return 0;
}
