#include "bench/apps/problems/grid_band.h"

#include <algorithm>

#include "bench/apps/frame/processors.h"
#include "bench/apps/problems/stencil.h"

namespace farpage::apps {

namespace {

// One row. Nothing overlaps, and saying so lets the compiler use vectors.
FARPAGE_FOR_PROCESSORS
void StepRow(const double* __restrict above, const double* __restrict here,
             const double* __restrict below, double* __restrict to, size_t side) {
  for (size_t column = 1; column + 1 < side; ++column) {
    to[column] = 0.25 * ((above[column] + below[column]) + (here[column - 1] + here[column + 1]));
  }
}

Range RowsAbove(Range rows, uint32_t depth) {
  if (rows.empty()) return {rows.begin, rows.begin};
  return {rows.begin - std::min<size_t>(rows.begin, depth), rows.begin};
}

Range RowsBelow(size_t side, Range rows, uint32_t depth) {
  if (rows.empty()) return {rows.end, rows.end};
  return {rows.end, std::min(side, rows.end + depth)};
}

}  // namespace

GridBand::GridBand(size_t side, Range rows, uint32_t depth, std::array<double*, 2> first_rows)
    : side_(side),
      own_(rows),
      depth_(depth),
      above_(RowsAbove(rows, depth)),
      below_(RowsBelow(side, rows, depth)) {
  for (size_t grid = 0; grid < copies_.size(); ++grid) {
    std::vector<double>& copies = copies_[grid];
    copies.resize((above_.size() + below_.size()) * side);
    StartRows(std::span(copies).first(above_.size() * side), side, above_);
    const auto add = [&](double* first, size_t count) {
      for (size_t row = 0; row < count; ++row) rows_[grid].push_back(first + row * side);
    };
    add(copies.data(), above_.size());
    add(first_rows[grid], own_.size());
    add(copies.data() + above_.size() * side, below_.size());
  }
}

std::span<double> GridBand::CopyOfAbove(uint32_t step) {
  return std::span(copies_[GridReadBy(step)]).first(above_.size() * side_);
}

std::span<double> GridBand::CopyOfBelow(uint32_t step) {
  return std::span(copies_[GridReadBy(step)]).last(below_.size() * side_);
}

// A step may take a row as soon as the one before it has taken the next row: all steps go down the
// rows together, each a row behind the one before.
void GridBand::Advance(uint32_t step, uint32_t count) {
  if (own_.empty()) return;
  const auto rows_of = [&](uint32_t ahead) {  // of step + ahead: later ones need them
    const size_t more = count - 1 - ahead;
    return Range{std::max<size_t>(1, own_.begin - std::min(own_.begin, more)),
                 std::min(side_ - 1, own_.end + more)};
  };
  const Range first = rows_of(0);
  for (size_t front = first.begin; front < first.end + count - 1; ++front) {
    for (uint32_t ahead = 0; ahead < count && ahead <= front; ++ahead) {
      const size_t row = front - ahead;
      const Range rows = rows_of(ahead);
      if (row < rows.begin || row >= rows.end) continue;
      const size_t from = GridReadBy(step + ahead);
      StepRow(Row(from, row - 1), Row(from, row), Row(from, row + 1), Row(1 - from, row), side_);
    }
  }
}

}  // namespace farpage::apps
