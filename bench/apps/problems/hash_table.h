// A hash table of records of one size, on memory that somebody else provides.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_HASH_TABLE_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_HASH_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"

namespace farpage::apps {

// What YCSB stores: ten fields of 100 bytes. They follow from key and version, and the check from
// all: so whoever reads a record can tell whether it is one that was written, and whole.
struct Record {
  static constexpr size_t kWords = 125;

  uint64_t key = 0;      // 0: there is none here
  uint64_t version = 0;  // how often it was updated
  uint64_t check = 0;
  std::array<uint64_t, kWords> fields{};
};
static_assert(sizeof(Record) == 1024);

// Writes the fields of this version, and the check.
void FillRecord(Record& record, uint64_t key, uint64_t version);
// Whether the check fits what the record has. Reads all of it.
bool IsWhole(const Record& record);

// Keys are dealt to buckets of kRecordsPerBucket places by their hash, and stay within: a search
// that finds a place taken by another key goes on to the next one of the bucket, from the last to
// the first. So a lock for each bucket is enough.
class HashTable {
 public:
  static constexpr size_t kRecordsPerBucket = 64;  // 16 pages

  // `places` are zero at first, and a multiple of kRecordsPerBucket.
  explicit HashTable(std::span<Record> places) : places_(places) {}

  // How many buckets to provide so that one that is full is next to impossible: half are used.
  static size_t BucketsFor(size_t records);

  size_t buckets() const { return places_.size() / kRecordsPerBucket; }
  size_t BucketOf(uint64_t key) const;

  // Null if there is no such record. The caller has locked the key's bucket, as for those below.
  Record* Find(uint64_t key) const;

  // Adds a record that is not there, as version 0. RESOURCE_EXHAUSTED if its bucket is full.
  absl::Status Insert(uint64_t key);

 private:
  // The place where the key is or would be; null if there is none left.
  Record* PlaceOf(uint64_t key) const;

  std::span<Record> places_;
};

// The key of record number `number`; no two are the same, and none is 0.
uint64_t KeyOf(uint64_t number);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_HASH_TABLE_H_
