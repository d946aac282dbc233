#include "bench/apps/problems/hash_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "bench/apps/problems/counter_random.h"

namespace farpage::apps {

namespace {

// Of the fields' order too: words that changed places are noticed.
uint64_t CheckOf(const Record& record) {
  uint64_t check = record.key ^ CounterRandom::Mix(record.version + 1);
  for (const uint64_t field : record.fields) check = (check ^ field) * 0x9e3779b97f4a7c15;
  return CounterRandom::Mix(check);
}

}  // namespace

void FillRecord(Record& record, uint64_t key, uint64_t version) {
  record.key = key;
  record.version = version;
  CounterRandom random(key, version);
  for (uint64_t& field : record.fields) field = random();
  record.check = CheckOf(record);
}

bool IsWhole(const Record& record) { return record.check == CheckOf(record); }

size_t HashTable::BucketsFor(size_t records) {
  return std::max<size_t>(1, (2 * records + kRecordsPerBucket - 1) / kRecordsPerBucket);
}

size_t HashTable::BucketOf(uint64_t key) const {
  return (CounterRandom::Mix(key) >> 32) % buckets();
}

Record* HashTable::PlaceOf(uint64_t key) const {
  const std::span<Record> bucket =
      places_.subspan(BucketOf(key) * kRecordsPerBucket, kRecordsPerBucket);
  const size_t first = CounterRandom::Mix(key) % kRecordsPerBucket;
  for (size_t step = 0; step < kRecordsPerBucket; ++step) {
    Record& place = bucket[(first + step) % kRecordsPerBucket];
    if (place.key == key || place.key == 0) return &place;
  }
  return nullptr;
}

Record* HashTable::Find(uint64_t key) const {
  Record* const place = PlaceOf(key);
  return place != nullptr && place->key == key ? place : nullptr;
}

absl::Status HashTable::Insert(uint64_t key) {
  Record* const place = PlaceOf(key);
  if (place == nullptr || place->key == key) {
    return absl::ResourceExhaustedError(
        absl::StrCat("bucket ", BucketOf(key), " of ", buckets(), " has no place for key ", key));
  }
  FillRecord(*place, key, 0);
  return absl::OkStatus();
}

uint64_t KeyOf(uint64_t number) { return CounterRandom::Mix(number + 1); }

}  // namespace farpage::apps
