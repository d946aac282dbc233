// A page of the documentation with a place for tables that a program writes.
#ifndef FARPAGE_TESTS_LITMUS_PAGE_H_
#define FARPAGE_TESTS_LITMUS_PAGE_H_

#include <string>

namespace farpage::litmus {

std::string ReadFile(const std::string& path);

// Replaces what stands between "<!-- `place` -->" and "<!-- /`place` -->" in the page; without a
// page prints the tables. Returns the exit status: 1, after a message, if the page has no such
// place or cannot be written.
int WriteTables(const std::string& tables, const std::string& page, const std::string& place);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_PAGE_H_
