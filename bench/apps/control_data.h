// Debian control data, paragraph by paragraph (Debian policy, chapters 5 and 7).
#ifndef FARPAGE_BENCH_APPS_CONTROL_DATA_H_
#define FARPAGE_BENCH_APPS_CONTROL_DATA_H_

#include <optional>
#include <string_view>
#include <vector>

namespace farpage::apps {

// What the dependency graph needs of a package's paragraph. Views into the text; a value may span
// lines. Empty if the field is not there; of a field given twice the first counts.
struct Paragraph {
  std::string_view package;
  std::string_view depends;
  std::string_view pre_depends;
  std::string_view provides;
};

// Takes the next paragraph off the front of `text`; nothing if only empty lines are left. Lines
// that are no field and continue none are skipped.
std::optional<Paragraph> TakeParagraph(std::string_view& text);

// The names in a list of relations, those of alternatives too, without version, architecture and
// build profile: "a (>= 1), b:any | c [amd64]" → a, b, c. What is not a package name is skipped.
std::vector<std::string_view> NamesInRelations(std::string_view relations);

// Letters, digits, plus, minus and full stop; the first is a letter or digit.
bool IsPackageName(std::string_view name);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_CONTROL_DATA_H_
