#include "tests/litmus/page.h"

#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace farpage::litmus {

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

int WriteTables(const std::string& tables, const std::string& page, const std::string& place) {
  if (page.empty()) {
    std::cout << tables;
    return 0;
  }
  std::string text = ReadFile(page);
  const std::string first = absl::StrCat("<!-- ", place, " -->\n");
  const size_t begin = text.find(first);
  const size_t end = text.find(absl::StrCat("<!-- /", place, " -->\n"));
  if (begin == std::string::npos || end == std::string::npos) {
    std::cerr << page << " has no place for " << place << "\n";
    return 1;
  }
  text.replace(begin, end - begin, absl::StrCat(first, "\n", tables, "\n"));
  std::ofstream file(page);
  file << text << std::flush;
  if (!file) std::cerr << "cannot write " << page << "\n";
  return file ? 0 : 1;
}

}  // namespace farpage::litmus
