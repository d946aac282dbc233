#include "runtime/cli/doctor_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"

namespace farpage::cli {
namespace {

using testing::HasSubstr;
using Kind = Finding::Kind;

// A folder that looks like /sys/class/infiniband.
struct FakeDevices {
  FakeDevices() : path(testing::TempDir() + absl::StrCat("farpage-doctor-", getpid())) {
    std::filesystem::create_directories(path);
  }
  ~FakeDevices() { std::filesystem::remove_all(path); }
  void AddPort(const std::string& device, const std::string& port, const std::string& state) const {
    const std::string folder = absl::StrCat(path, "/", device, "/ports/", port);
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/state") << state << "\n";
    std::ofstream(folder + "/link_layer") << "Ethernet\n";
    std::ofstream(folder + "/rate") << "2.5 Gb/sec (1X SDR)\n";
  }
  const std::string path;
};

TEST(Doctor, NoDeviceIsANote) {
  const FakeDevices none;
  for (const std::string& folder : {std::string("/nonexistent"), none.path}) {
    const std::vector<Finding> findings = CheckRdmaDevices(folder);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].kind, Kind::kNote);
    EXPECT_THAT(findings[0].fix, HasSubstr("soft-roce/"));
  }
}

TEST(Doctor, PortsThatAreDownAreProblems) {
  const FakeDevices devices;
  devices.AddPort("rxe0", "1", "4: ACTIVE");
  devices.AddPort("mlx5_0", "2", "1: DOWN");
  const std::vector<Finding> findings = CheckRdmaDevices(devices.path);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].subject, "mlx5_0/2");
  EXPECT_EQ(findings[0].kind, Kind::kProblem);
  EXPECT_THAT(findings[0].text, HasSubstr("1: DOWN"));
  EXPECT_EQ(findings[1].subject, "rxe0/1");
  EXPECT_EQ(findings[1].kind, Kind::kOk);
}

TEST(Doctor, AFewMemoryMapsAreAProblemForTheFallbackOnly) {
  EXPECT_EQ(CheckMapCount(false).kind, Kind::kOk);
  std::ifstream file("/proc/sys/vm/max_map_count");
  int64_t count = 0;
  file >> count;
  EXPECT_EQ(CheckMapCount(true).kind, count < (1 << 20) ? Kind::kProblem : Kind::kOk);
}

TEST(Doctor, ATooSmallAddressSpaceIsFound) {
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  if (CheckAddressSpace().kind != Kind::kOk) GTEST_SKIP() << "this machine has the problem";
  rlimit small = before;
  small.rlim_cur = rlim_t{64} << 30;
  setrlimit(RLIMIT_AS, &small);
  const Finding finding = CheckAddressSpace();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(finding.kind, Kind::kProblem);
  EXPECT_THAT(finding.fix, HasSubstr("ulimit -v"));
}

TEST(Doctor, EveryProblemComesWithAFix) {
  std::set<std::string> subjects;
  for (const Finding& finding : CheckMachine()) {
    EXPECT_TRUE(subjects.insert(finding.subject).second) << finding.subject;
    EXPECT_FALSE(finding.text.empty());
    EXPECT_TRUE(finding.kind != Kind::kProblem || !finding.fix.empty()) << finding.subject;
  }
  EXPECT_GE(subjects.size(), 8u);
}

}  // namespace
}  // namespace farpage::cli
