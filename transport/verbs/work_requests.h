// A list of work requests for one queue pair, built in place and posted with one doorbell.
#ifndef FARPAGE_TRANSPORT_VERBS_WORK_REQUESTS_H_
#define FARPAGE_TRANSPORT_VERBS_WORK_REQUESTS_H_

#include <infiniband/verbs.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/transport.h"

namespace farpage::transport::verbs {

// What an immediate value tells the receiver.
enum class Immediate : uint32_t { kMessage = 1, kWordChanged = 2 };

// Where small pieces of data are put for the device to fetch.
struct SmallData {
  uint32_t inline_bytes = 0;     // up to this size it is copied into the work request
  std::byte* scratch = nullptr;  // otherwise into the line of the request: lines of 64 bytes,
  uint32_t scratch_mask = 0;     // as many as there can be requests under way (a power of two)
  LocalKey scratch_key;
  std::byte* dump = nullptr;  // for old values that nobody wants; of scratch_key too
};

// Signal-safe; the caller holds a lock around it.
class WorkRequests {
 public:
  static constexpr uint32_t kCapacity = 32;

  explicit WorkRequests(const SmallData& small);
  WorkRequests(const WorkRequests&) = delete;
  WorkRequests& operator=(const WorkRequests&) = delete;

  uint32_t count() const { return count_; }
  bool full() const { return count_ == kCapacity; }

  // Bytes [from, from + bytes) of a read or write; an atomic operation as a whole. A write takes
  // its bytes from `small`, which stays until Post(), or else from operation.local. With `fence`,
  // it executes after all reads and atomic operations before it.
  void Add(const Operation& operation, const void* small, uint32_t from, uint32_t bytes,
           uint64_t id, bool fence);
  // A write of 8 bytes that wakes whoever waits for the word.
  void AddWithImmediate(const Operation& operation, const void* small, uint64_t id, bool fence);
  // These take up to 64 bytes that stay until Post().
  void AddWrite(const void* small, uint32_t bytes, RemoteAddress to, uint64_t id);
  void AddMessage(const Message& message, RemoteAddress slot, uint64_t id);

  // Posts the list, the last request with a completion if `signal`, and empties it. Returns how
  // many requests the device took: all, unless it failed; then *error says why.
  uint32_t Post(ibv_qp* pair, bool signal, int* error);

 private:
  ibv_send_wr& Next(ibv_wr_opcode opcode, uint64_t id, RemoteAddress to, bool fence);
  void PutSmall(ibv_send_wr& request, const void* data, uint32_t bytes);
  void PutData(ibv_send_wr& request, const Operation& operation, const void* small, uint32_t from,
               uint32_t bytes);

  const SmallData small_;
  uint32_t count_ = 0;
  std::array<ibv_send_wr, kCapacity> requests_{};
  std::array<ibv_sge, kCapacity> pieces_{};
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_WORK_REQUESTS_H_
