#include "bench/apps/package_graph.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/apps/control_data.h"

namespace farpage::apps {

namespace {

// Names are views into the text.
struct Packages {
  std::vector<Paragraph> paragraphs;
  std::unordered_map<std::string_view, uint32_t> by_name;
  std::unordered_map<std::string_view, std::vector<uint32_t>> providers;

  // Adds who satisfies a dependency on `name`. Nobody else is asked if there is a package of that
  // name: most who provide a package's name are older packages' replacements.
  bool Resolve(std::string_view name, std::vector<uint32_t>& targets) const {
    if (const auto package = by_name.find(name); package != by_name.end()) {
      targets.push_back(package->second);
      return true;
    }
    const auto found = providers.find(name);
    if (found == providers.end()) return false;
    targets.insert(targets.end(), found->second.begin(), found->second.end());
    return true;
  }
};

Packages Collect(std::string_view text, PackageGraph& graph) {
  Packages packages;
  while (std::optional<Paragraph> paragraph = TakeParagraph(text)) {
    if (!IsPackageName(paragraph->package)) {
      ++graph.malformed;
      continue;
    }
    const auto id = static_cast<uint32_t>(packages.paragraphs.size());
    if (!packages.by_name.emplace(paragraph->package, id).second) {
      ++graph.duplicates;
      continue;
    }
    packages.paragraphs.push_back(*paragraph);
    graph.names.emplace_back(paragraph->package);
    for (std::string_view name : NamesInRelations(paragraph->provides)) {
      packages.providers[name].push_back(id);
    }
  }
  return packages;
}

struct Dependency {
  uint32_t from;
  uint32_t to;
};

void AddDependencies(const Packages& packages, uint32_t from, std::vector<Dependency>& edges,
                     PackageGraph& graph) {
  const Paragraph& paragraph = packages.paragraphs[from];
  std::vector<uint32_t> targets;
  for (std::string_view relations : {paragraph.depends, paragraph.pre_depends}) {
    for (std::string_view name : NamesInRelations(relations)) {
      if (!packages.Resolve(name, targets)) ++graph.missing;
    }
  }
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  std::erase(targets, from);
  graph.dependency_count.push_back(static_cast<uint32_t>(targets.size()));
  for (const uint32_t to : targets) edges.push_back({from, to});
}

// A counting sort by `to`, which keeps the order of `from`.
void FillDependents(const std::vector<Dependency>& edges, PackageGraph& graph) {
  graph.first_dependent.assign(graph.names.size() + 1, 0);
  for (const Dependency& edge : edges) ++graph.first_dependent[edge.to + 1];
  std::partial_sum(graph.first_dependent.begin(), graph.first_dependent.end(),
                   graph.first_dependent.begin());
  std::vector<uint32_t> next(graph.first_dependent.begin(), graph.first_dependent.end() - 1);
  graph.dependents.resize(edges.size());
  for (const Dependency& edge : edges) graph.dependents[next[edge.to]++] = edge.from;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  std::string text;
  char block[1 << 16];
  while (const size_t got = std::fread(block, 1, sizeof block, file.get())) text.append(block, got);
  if (std::ferror(file.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  return text;
}

}  // namespace

absl::StatusOr<PackageGraph> ParsePackages(std::string_view control_data) {
  PackageGraph graph;
  const Packages packages = Collect(control_data, graph);
  if (graph.names.empty()) {
    return absl::InvalidArgumentError(
        "there is no package in it; expected is what apt-cache dumpavail prints, or "
        "/var/lib/dpkg/status");
  }
  std::vector<Dependency> edges;
  for (uint32_t package = 0; package < packages.paragraphs.size(); ++package) {
    AddDependencies(packages, package, edges, graph);
    if (edges.size() > std::numeric_limits<uint32_t>::max()) {
      return absl::ResourceExhaustedError("there are more than 2^32 - 1 dependencies in it");
    }
  }
  FillDependents(edges, graph);
  return graph;
}

absl::StatusOr<PackageGraph> ReadPackages(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<PackageGraph> graph = ParsePackages(*text);
  if (!graph.ok()) {
    return absl::Status(graph.status().code(), absl::StrCat(path, ": ", graph.status().message()));
  }
  return graph;
}

}  // namespace farpage::apps
