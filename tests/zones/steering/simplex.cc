#include "tests/zones/steering/simplex.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace swingover::steering {

namespace {

using Line = std::vector<long double>;
constexpr long double nothing = 1e-11L;

/// Brings the column into the basis in place of what the row holds.
void pivot(std::vector<Line>& lines, size_t row, size_t column) {
  const long double by = lines[row][column];
  for (long double& value : lines[row]) value /= by;
  for (size_t other = 0; other < lines.size(); ++other) {
    const long double factor = lines[other][column];
    if (other == row || factor == 0) continue;
    for (size_t at = 0; at < lines[other].size(); ++at) {
      lines[other][at] -= factor * lines[row][at];
    }
    lines[other][column] = 0;
  }
}

/// The last line holds the reduced costs. Only the first `columns` may enter.
void minimise(std::vector<Line>& lines, std::vector<size_t>& basis, size_t columns,
              long double scale) {
  while (true) {
    const Line& reduced = lines.back();
    size_t enter = 0;
    while (enter < columns && reduced[enter] >= -nothing * scale) ++enter;
    if (enter == columns) return;
    size_t leave = basis.size();
    for (size_t row = 0; row < basis.size(); ++row) {
      if (lines[row][enter] <= nothing) continue;
      if (leave == basis.size()) {
        leave = row;
        continue;
      }
      const long double mine = lines[row].back() / lines[row][enter];
      const long double best = lines[leave].back() / lines[leave][enter];
      if (mine < best || (mine == best && basis[row] < basis[leave])) leave = row;
    }
    if (leave == basis.size()) return;  // without a bound: cannot be, costs are 0 and above
    pivot(lines, leave, enter);
    basis[leave] = enter;
  }
}

}  // namespace

long double Simplex::least() const {
  const size_t variables = costs_.size();
  const size_t rows = rows_.size();
  const size_t columns = variables + 2 * rows;  // a slack and an artificial variable a row
  long double size = 1;
  for (const Row& row : rows_) size = std::max(size, row.sum);

  std::vector<Line> lines(rows + 1, Line(columns + 1, 0));
  std::vector<size_t> basis(rows);
  for (size_t r = 0; r < rows; ++r) {
    for (const size_t variable : rows_[r].variables) lines[r][variable] = 1;
    lines[r].back() = rows_[r].sum / size;
    const bool is_bound = rows_[r].is_bound;
    basis[r] = is_bound ? variables + r : variables + rows + r;
    lines[r][basis[r]] = 1;
    if (is_bound) continue;
    for (size_t at = 0; at <= columns; ++at) {
      if (at != basis[r]) lines[rows][at] -= lines[r][at];
    }
  }
  minimise(lines, basis, variables + rows, 1);
  if (lines[rows].back() < -1e-9L) return std::numeric_limits<long double>::quiet_NaN();
  // What is artificial and still in the basis is 0: it gives way to anything, or its row says nothing.
  for (size_t r = 0; r < rows; ++r) {
    if (basis[r] < variables + rows) continue;
    for (size_t at = 0; at < variables + rows; ++at) {
      if (std::abs(lines[r][at]) <= nothing) continue;
      pivot(lines, r, at);
      basis[r] = at;
      break;
    }
  }
  long double highest = 1;
  std::ranges::fill(lines[rows], 0);
  for (size_t v = 0; v < variables; ++v) {
    lines[rows][v] = costs_[v];
    highest = std::max(highest, costs_[v]);
  }
  for (size_t r = 0; r < rows; ++r) {
    const long double cost = basis[r] < variables ? costs_[basis[r]] : 0;
    if (cost == 0) continue;
    for (size_t at = 0; at <= columns; ++at) lines[rows][at] -= cost * lines[r][at];
  }
  minimise(lines, basis, variables + rows, highest);
  return -lines[rows].back() * size;
}

}  // namespace swingover::steering
