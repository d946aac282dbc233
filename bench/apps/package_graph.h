// The dependency graph of Debian packages, read from Debian control data: what `apt-cache
// dumpavail` prints, or /var/lib/dpkg/status.
#ifndef FARPAGE_BENCH_APPS_PACKAGE_GRAPH_H_
#define FARPAGE_BENCH_APPS_PACKAGE_GRAPH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace farpage::apps {

// Package p depends on package q if a Depends or Pre-Depends field of p names q, in whatever
// alternative, or names no package but something that q provides. Versions and architectures are
// not looked at. An edge is there once; nothing depends on itself.
//
// Edges are kept in compressed sparse rows by the package that is depended on, as PageRank pulls:
// those who depend on q are dependents[first_dependent[q]] … dependents[first_dependent[q + 1] −
// 1], ascending.
struct PackageGraph {
  std::vector<std::string> names;          // in the order of the file
  std::vector<uint32_t> first_dependent;   // names.size() + 1 of them
  std::vector<uint32_t> dependents;        // one per edge
  std::vector<uint32_t> dependency_count;  // edges that leave each package
  // What was left out.
  uint64_t duplicates = 0;  // further versions or architectures of a package: the first is kept
  uint64_t malformed = 0;   // paragraphs without a usable name
  uint64_t missing = 0;     // alternatives that name nothing the file has
};

// INVALID_ARGUMENT if there is no package in it; RESOURCE_EXHAUSTED if it has 2³² edges or more.
// Whatever else is wrong with the text is skipped and counted. Cost: linear, but for sorting each
// package's dependencies.
absl::StatusOr<PackageGraph> ParsePackages(std::string_view control_data);

// The same of a file. Errors name the file; also those of opening and reading it.
absl::StatusOr<PackageGraph> ReadPackages(const std::string& path);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PACKAGE_GRAPH_H_
