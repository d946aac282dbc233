// A worker's rows of the stencil's two grids, taken several steps at a time.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_GRID_BAND_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_GRID_BAND_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/apps/frame/range.h"

namespace farpage::apps {

// Of two grids of side × side values: which of them a step reads; the other is written. After the
// last step it is the result.
constexpr size_t GridReadBy(uint32_t step) { return step % 2; }

// Own rows lie where the program has them. The rows of the neighbours that `depth` steps depend on,
// that many above and below, are copied, and taken along: a little is computed twice, and in return
// neighbours meet once in `depth` steps, and the rows of the steps between are found in the cache.
// (Overlapped tiling in time: Krishnamoorthy and others, PLDI 2007; ghost cells: Kjolstad and Snir,
// ParaPLoP 2010.)
class GridBand {
 public:
  // `first_rows`: where the first of the own rows is in each grid.
  GridBand(size_t side, Range rows, uint32_t depth, std::array<double*, 2> first_rows);

  uint32_t depth() const { return depth_; }

  // The neighbours' rows that are copied; fewer than `depth` where the grid ends.
  Range above() const { return above_; }
  Range below() const { return below_; }
  // Where the copies are that Advance() from `step` on reads: to be filled before.
  std::span<double> CopyOfAbove(uint32_t step);
  std::span<double> CopyOfBelow(uint32_t step);

  // Takes the own rows from `step` to `step` + `count`, at most `depth`. The rim stays.
  void Advance(uint32_t step, uint32_t count);

 private:
  double* Row(size_t grid, size_t row) const { return rows_[grid][row - above_.begin]; }

  const size_t side_;
  const Range own_;
  const uint32_t depth_;
  const Range above_;
  const Range below_;
  std::array<std::vector<double>, 2> copies_;  // of the rows above, then of those below
  std::array<std::vector<double*>, 2> rows_;   // from the first above to the last below
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_GRID_BAND_H_
