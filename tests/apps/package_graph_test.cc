// The dependency graph read from Debian control data, well-formed and not.
#include "bench/apps/package_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "bench/apps/control_data.h"

namespace farpage::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

using Names = std::set<std::pair<std::string, std::string>>;

// Every edge as (package, what it depends on).
Names EdgesOf(const PackageGraph& graph) {
  Names edges;
  for (size_t to = 0; to < graph.names.size(); ++to) {
    for (uint32_t at = graph.first_dependent[to]; at < graph.first_dependent[to + 1]; ++at) {
      edges.emplace(graph.names[graph.dependents[at]], graph.names[to]);
    }
  }
  EXPECT_EQ(edges.size(), graph.dependents.size()) << "an edge is there twice";
  return edges;
}

TEST(PackageGraph, ReadsDependsAndPreDepends) {
  const PackageGraph graph = ParsePackages(
                                 "Package: a\nVersion: 1\nDepends: b (>= 2), c\nPre-Depends: d\n"
                                 "\n"
                                 "Package: b\n\nPackage: c\nDepends: d\n\nPackage: d\n")
                                 .value();
  EXPECT_THAT(graph.names, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(EdgesOf(graph),
              ElementsAre(Pair("a", "b"), Pair("a", "c"), Pair("a", "d"), Pair("c", "d")));
  EXPECT_THAT(graph.dependency_count, ElementsAre(3, 0, 1, 0));
  EXPECT_THAT(graph.first_dependent, ElementsAre(0, 0, 1, 2, 4));
  EXPECT_THAT(graph.dependents, ElementsAre(0, 0, 0, 2));
  EXPECT_EQ(graph.missing + graph.duplicates + graph.malformed, 0u);
}

TEST(PackageGraph, TakesEveryAlternativeThatExists) {
  const PackageGraph graph = ParsePackages(
                                 "Package: a\nDepends: b | gone | c:any [amd64] <!nocheck>\n\n"
                                 "Package: b\n\nPackage: c\n")
                                 .value();
  EXPECT_THAT(EdgesOf(graph), ElementsAre(Pair("a", "b"), Pair("a", "c")));
  EXPECT_EQ(graph.missing, 1u);
}

TEST(PackageGraph, ResolvesVirtualPackages) {
  const PackageGraph graph = ParsePackages(
                                 "Package: reader\nDepends: mail, editor\n\n"
                                 "Package: exim\nProvides: mail (= 4), editor\n\n"
                                 "Package: postfix\nProvides: mail\n\n"
                                 "Package: editor\n")
                                 .value();
  // A package of the name is preferred to those that provide it.
  EXPECT_THAT(EdgesOf(graph), ElementsAre(Pair("reader", "editor"), Pair("reader", "exim"),
                                          Pair("reader", "postfix")));
}

TEST(PackageGraph, HasNoEdgeTwiceAndNoneToItself) {
  const PackageGraph graph =
      ParsePackages(
          "Package: a\nProvides: x\nDepends: a, x, b (>= 1), b (<< 2) | b\nPre-Depends: b"
          "\n\nPackage: b\nProvides: x\n")
          .value();
  EXPECT_THAT(EdgesOf(graph), ElementsAre(Pair("a", "b")));
  EXPECT_THAT(graph.dependency_count, ElementsAre(1, 0));
}

TEST(PackageGraph, KeepsTheFirstOfSeveralVersions) {
  const PackageGraph graph = ParsePackages(
                                 "Package: a\nDepends: b\n\nPackage: b\n\n"
                                 "Package: a\nArchitecture: i386\nDepends: c\n\n"
                                 "Package: c\n")
                                 .value();
  EXPECT_THAT(graph.names, ElementsAre("a", "b", "c"));
  EXPECT_THAT(EdgesOf(graph), ElementsAre(Pair("a", "b")));
  EXPECT_EQ(graph.duplicates, 1u);
}

TEST(PackageGraph, SkipsMalformedParagraphs) {
  const PackageGraph graph = ParsePackages(
                                 " continues nothing\nno field here\n\n"
                                 "Package:\nDepends: a\n\n"
                                 "Depends: a\n\n"
                                 "Package: not/a/name\n\n"
                                 ": nameless\nPackage: a\nPackage: b\n\n\n \t\n\n")
                                 .value();
  EXPECT_THAT(graph.names, ElementsAre("a"));
  EXPECT_EQ(graph.malformed, 4u);
}

TEST(PackageGraph, ReadsFoldedFieldsForeignLineEndsAndAnyCase) {
  const PackageGraph graph = ParsePackages(
                                 "PACKAGE: a\r\ndepends: b,\r\n c\r\n"
                                 "Description: x\r\n Depends: d\r\n\r\n"
                                 "Package: b\r\n\r\nPackage: c\r\n\r\nPackage: d")
                                 .value();
  EXPECT_THAT(EdgesOf(graph), ElementsAre(Pair("a", "b"), Pair("a", "c")));
}

TEST(PackageGraph, NeedsAPackage) {
  for (const std::string& text :
       {std::string(), std::string("\n\n"), std::string("hello\n"), std::string(100, '\0')}) {
    EXPECT_EQ(ParsePackages(text).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(PackageGraph, ErrorsNameTheFile) {
  for (const char* path : {"no/such/file", "/"}) {
    const absl::Status status = ReadPackages(path).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

TEST(ControlData, SkipsWhatIsNoName) {
  EXPECT_THAT(NamesInRelations("libstdc++6 (>= 5.2), ,|, -x, ${misc:Depends}, 0ad\n, g++-12:any"),
              ElementsAre("libstdc++6", "0ad", "g++-12"));
  EXPECT_THAT(NamesInRelations(""), IsEmpty());
}

}  // namespace
}  // namespace farpage::apps
