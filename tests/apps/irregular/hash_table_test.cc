#include "bench/apps/problems/hash_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace farpage::apps {
namespace {

using testing::HasSubstr;

TEST(Record, TheCheckNoticesEveryChange) {
  Record record;
  FillRecord(record, 17, 3);
  EXPECT_TRUE(IsWhole(record));
  Record next;
  FillRecord(next, 17, 4);
  EXPECT_NE(next.fields, record.fields);
  for (size_t word = 0; word < Record::kWords; ++word) {
    Record torn = record;
    torn.fields[word] = next.fields[word];
    EXPECT_FALSE(IsWhole(torn)) << word;
  }
  Record swapped = record;
  std::swap(swapped.fields[0], swapped.fields[1]);
  EXPECT_FALSE(IsWhole(swapped));
  Record renamed = record;
  renamed.version = 4;
  EXPECT_FALSE(IsWhole(renamed));
}

TEST(HashTable, FindsWhatWasInserted) {
  constexpr size_t kRecords = 3000;
  std::vector<Record> places(HashTable::BucketsFor(kRecords) * HashTable::kRecordsPerBucket);
  EXPECT_GE(places.size(), 2 * kRecords);
  const HashTable table(places);
  EXPECT_EQ(table.Find(KeyOf(0)), nullptr);
  HashTable to_fill(places);
  for (size_t number = 0; number < kRecords; ++number) {
    ASSERT_TRUE(to_fill.Insert(KeyOf(number)).ok());
  }
  std::set<const Record*> found;
  for (size_t number = 0; number < kRecords; ++number) {
    const Record* const record = table.Find(KeyOf(number));
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->key, KeyOf(number));
    EXPECT_EQ(record->version, 0u);
    EXPECT_TRUE(IsWhole(*record));
    const auto place = static_cast<size_t>(record - places.data());
    EXPECT_EQ(place / HashTable::kRecordsPerBucket, table.BucketOf(KeyOf(number)));
    found.insert(record);
  }
  EXPECT_EQ(found.size(), kRecords);
  EXPECT_EQ(table.Find(KeyOf(kRecords)), nullptr);
}

TEST(HashTable, SaysThatABucketIsFull) {
  std::vector<Record> places(HashTable::kRecordsPerBucket);
  HashTable table(places);
  for (size_t number = 0; number < places.size(); ++number) {
    ASSERT_TRUE(table.Insert(KeyOf(number)).ok());
  }
  EXPECT_THAT(std::string(table.Insert(KeyOf(places.size())).message()),
              HasSubstr("bucket 0 of 1"));
  EXPECT_EQ(table.Find(KeyOf(places.size())), nullptr);
}

}  // namespace
}  // namespace farpage::apps
