// The program `farpage`.
#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <string_view>

#include "runtime/cli/subcommand.h"

namespace farpage::cli {
namespace {

constexpr Subcommand kSubcommands[] = {
    {"run", "start a program as several nodes on this host", Run},
    {"perf", "measure faults, fabric and synchronisation beside their floors", Perf},
    {"doctor", "check what Farpage needs of this machine", Doctor},
};

void PrintHelp(std::ostream& out) {
  out << "Distributed shared memory over RDMA, through ordinary C++ pointers.\n\n"
         "Usage: farpage SUBCOMMAND ...\n\n";
  for (const Subcommand& subcommand : kSubcommands) {
    out << "  " << subcommand.name
        << std::string(10 - std::string_view(subcommand.name).size(), ' ') << subcommand.summary
        << "\n";
  }
  out << "\n  --version\n  --help    also after a subcommand\n";
}

// Pipes opened later must not come to be descriptors 0, 1 and 2.
void OpenStandardDescriptors() {
  int fd = 0;
  while (fd <= STDERR_FILENO && fd >= 0) {
    fd = fcntl(fd, F_GETFD) >= 0 ? fd + 1 : open("/dev/null", O_RDWR);
  }
}

int Main(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments[0];
  if (word == "--version") {
    std::cout << "farpage " << FARPAGE_VERSION << "\n";
    return 0;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    PrintHelp(std::cout);
    return 0;
  }
  for (const Subcommand& subcommand : kSubcommands) {
    if (word == subcommand.name) return subcommand.run({arguments.begin() + 1, arguments.end()});
  }
  if (word.empty()) {
    std::cerr << "farpage: which subcommand?\n\n";
  } else {
    std::cerr << "farpage: there is no subcommand '" << word << "'\n\n";
  }
  PrintHelp(std::cerr);
  return kExitUsage;
}

}  // namespace
}  // namespace farpage::cli

int main(int argc, char** argv) {
  farpage::cli::OpenStandardDescriptors();
  return farpage::cli::Main({argv + 1, argv + argc});
}
