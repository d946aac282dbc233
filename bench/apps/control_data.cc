#include "bench/apps/control_data.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace farpage::apps {

namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view* FieldNamed(Paragraph& paragraph, std::string_view name) {
  const std::array<std::pair<std::string_view, std::string_view*>, 4> fields = {{
      {"Package", &paragraph.package},
      {"Depends", &paragraph.depends},
      {"Pre-Depends", &paragraph.pre_depends},
      {"Provides", &paragraph.provides},
  }};
  for (const auto& [field, value] : fields) {
    if (absl::EqualsIgnoreCase({field.data(), field.size()}, {name.data(), name.size()})) {
      return value;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<Paragraph> TakeParagraph(std::string_view& text) {
  Paragraph paragraph;
  bool found = false;
  std::string_view* field = nullptr;  // what a line that begins with a blank continues
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    text.remove_prefix(line.size());
    if (Trim(line).empty()) {
      if (found) break;
      continue;
    }
    found = true;
    if (line[0] == ' ' || line[0] == '\t') {
      // The lines follow each other in the text, so a longer view holds both.
      if (field != nullptr) *field = {field->data(), line.data() + line.size()};
      continue;
    }
    const size_t colon = line.find(':');
    field = colon == line.npos ? nullptr : FieldNamed(paragraph, Trim(line.substr(0, colon)));
    if (field != nullptr && field->data() != nullptr) field = nullptr;
    if (field != nullptr) *field = line.substr(colon + 1);
  }
  if (!found) return std::nullopt;
  paragraph.package = Trim(paragraph.package);
  return paragraph;
}

std::vector<std::string_view> NamesInRelations(std::string_view relations) {
  std::vector<std::string_view> names;
  while (!relations.empty()) {
    const size_t end = std::min(relations.find_first_of(",|"), relations.size() - 1) + 1;
    std::string_view name = Trim(relations.substr(0, end));
    relations.remove_prefix(end);
    name = name.substr(0, name.find_first_of(" \t\r\n(:[<,|"));
    if (IsPackageName(name)) names.push_back(name);
  }
  return names;
}

bool IsPackageName(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c));
  };
  return !name.empty() && letter_or_digit(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter_or_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

}  // namespace farpage::apps
