// The transport interface: registered memory, one-sided operations and a mailbox per peer.
//
// One Transport object is one node's connection to all nodes of its cluster, itself included (a
// node changes its own directory words through the fabric too). It knows nothing of pages.
//
// Order. The operations of a chain execute at the peer in the order of the chain, and chains and
// messages posted to one peer execute and arrive in the order they were posted, whichever threads
// posted them. Nothing is ordered between different peers. An operation has executed at the peer
// once its chain has completed.
//
// Ownership. Memory outlives every operation that names it, local or remote: the buffers of a chain
// belong to the transport from Post() until the completion. A chain without a completion may only
// use operands held in the Operation itself.
//
// Threads. All functions may be called from any thread and from a SIGBUS handler, except where they
// say otherwise. On those that say "signal-safe" nothing is allocated, and no lock is taken that is
// held while application memory is touched.
#ifndef FARPAGE_TRANSPORT_TRANSPORT_H_
#define FARPAGE_TRANSPORT_TRANSPORT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/types.h"

namespace farpage::transport {

// With what an atomic operation on registered memory is atomic.
enum class AtomicScope : uint8_t {
  kFabric,  // only with operations of this transport (NICs: IBV_ATOMIC_HCA)
  kCpu,     // also with the processor's own atomics
};

struct Capabilities {
  std::string_view name;  // "shm", "verbs"
  AtomicScope atomic_scope = AtomicScope::kFabric;
  bool direct_access = false;     // DirectView() works: peers' memory is mapped here
  bool completes_inline = false;  // Post() never returns kPending
  uint32_t inline_bytes = 0;      // writes up to this size are copied at Post()
  uint32_t max_chain = 0;         // operations in one chain
  uint32_t mailbox_slots = 0;     // messages to one peer that may wait to be received
};

enum class OpCode : uint8_t {
  kRead,                // peer memory → local memory
  kWrite,               // local memory → peer memory
  kWriteWithImmediate,  // kWrite of one aligned 8-byte word, then wakes the peer's WaitForWord()
  kCompareAndSwap,      // 8 bytes, aligned; the old value → local memory
  kFetchAndAdd,         // 8 bytes, aligned; the old value → local memory
};

// One one-sided operation. `local` points into Memory of this node (of `length` bytes, or 8 for
// atomics), except that kWrite and kWriteWithImmediate of exactly 8 bytes with `local` == nullptr
// write `operand`, and that atomics with `local` == nullptr drop the old value. Where chains
// complete inline, the poster's own processor reads for kWrite: any memory of this process will do.
struct Operation {
  OpCode code = OpCode::kRead;
  uint32_t length = 0;  // bytes, at most 1 GiB; zero moves nothing. Ignored by atomics
  void* local = nullptr;
  LocalKey local_key;
  RemoteAddress remote;
  uint64_t operand = 0;  // value added, swapped in, or written
  uint64_t compare = 0;  // kCompareAndSwap: expected value

  static Operation Read(void* to, LocalKey key, RemoteAddress from, uint32_t bytes) {
    return {OpCode::kRead, bytes, to, key, from, 0, 0};
  }
  static Operation Write(const void* from, LocalKey key, RemoteAddress to, uint32_t bytes) {
    return {OpCode::kWrite, bytes, const_cast<void*>(from), key, to, 0, 0};
  }
  static Operation WriteWord(uint64_t value, RemoteAddress to) {
    return {OpCode::kWrite, 8, nullptr, {}, to, value, 0};
  }
  static Operation WriteWordWithImmediate(uint64_t value, RemoteAddress to) {
    return {OpCode::kWriteWithImmediate, 8, nullptr, {}, to, value, 0};
  }
  static Operation CompareAndSwap(RemoteAddress word, uint64_t expected, uint64_t desired,
                                  uint64_t* old, LocalKey key) {
    return {OpCode::kCompareAndSwap, 8, old, key, word, desired, expected};
  }
  static Operation FetchAndAdd(RemoteAddress word, uint64_t add, uint64_t* old, LocalKey key) {
    return {OpCode::kFetchAndAdd, 8, old, key, word, add, 0};
  }
};

// Where the end of a chain is reported. Belongs to the poster; must stay until reported.
struct Completion {
  Fate fate = Fate::kOk;
  uint64_t tag = 0;  // the poster's own
};

// What a mailbox carries: a request or an answer that needs the peer's processor.
inline constexpr size_t kMessageBytes = 56;
struct Message {
  std::array<std::byte, kMessageBytes> bytes{};
};
struct ReceivedMessage {
  NodeId from;
  Message message;
};

// Memory that peers can reach, page-aligned and zeroed. It is backed by a file descriptor so that
// it can be mapped a second time. Destroying it ends peers' access.
class Memory {
 public:
  virtual ~Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  LocalKey local_key() const { return local_key_; }
  RemoteAddress remote() const { return remote_; }  // of data(), for peers
  int fd() const { return fd_; }                    // for mmap; stays owned by this object
  uint64_t fd_offset() const { return fd_offset_; }

 protected:
  Memory() = default;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  LocalKey local_key_;
  RemoteAddress remote_;
  int fd_ = -1;
  uint64_t fd_offset_ = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const Capabilities& capabilities() const { return capabilities_; }
  NodeId self() const { return self_; }
  uint32_t size() const { return size_; }

  // Allocates `bytes` (rounded up to pages) of registered memory. `purpose` appears in errors.
  // Errors: RESOURCE_EXHAUSTED with the limit that is too low and the number needed.
  // Not signal-safe. Cost: one registration (a NIC: some µs plus time for pinning each page).
  virtual absl::StatusOr<std::unique_ptr<Memory>> Allocate(size_t bytes,
                                                           std::string_view purpose) = 0;

  // Posts `chain` (1 … max_chain operations) to `peer`: one doorbell. With a completion, returns
  // kOk if all operations have executed already, kPending if Poll() will return the completion, or
  // an error. Without one, errors show later as peer_failed(). When the send queue is full, waits
  // for the fabric (not for any peer's processor) to make room. Signal-safe.
  virtual Fate Post(NodeId peer, std::span<const Operation> chain, Completion* completion) = 0;

  // Makes progress and returns completions of chains that have ended, with their fates set, at
  // most done.size(). Each is returned once, to one caller. Signal-safe; never blocks.
  virtual size_t Poll(std::span<Completion*> done) = 0;

  // Where the peer's memory is mapped here, to be read and written with this processor's loads,
  // stores and atomics; nullptr if it is not mapped, or the address is bad. Needs direct_access.
  // Signal-safe.
  virtual std::byte* DirectView(NodeId peer, RemoteAddress from, size_t bytes) = 0;

  // Puts a message into the peer's mailbox for this node and wakes its WaitForEvents() if nobody
  // there is polling. kNoCredit if all slots are taken. Signal-safe; never blocks.
  virtual Fate Send(NodeId peer, const Message& message) = 0;

  // Takes messages out of this node's mailboxes, in order per sender. One thread at a time (the
  // caller holds a lock around it). Signal-safe; never blocks.
  virtual size_t Receive(std::span<ReceivedMessage> out) = 0;

  // Between these calls this thread polls; while any does, senders need not wake anybody.
  // EndPolling() returns true if a message came in that nobody was woken for: poll once more.
  // Signal-safe.
  virtual void BeginPolling() = 0;
  virtual bool EndPolling() = 0;

  // Sleeps until a message, a pending completion, a change of a peer's state or Interrupt(), at
  // most until `deadline_ns` (CLOCK_MONOTONIC). One thread at a time (the agent), which is not
  // between BeginPolling() and EndPolling(). Returns false if the deadline passed. Not signal-safe.
  virtual bool WaitForEvents(int64_t deadline_ns) = 0;

  // Ends a WaitForEvents() now or to come, and all WaitForWord() under way. Signal-safe.
  virtual void Interrupt() = 0;

  // Sleeps while *word == value, until a peer's kWriteWithImmediate (or WakeWord() here) has
  // changed it, or Interrupt(), or `deadline_ns`. `word` is an aligned word in Memory of this node;
  // it is read with acquire order. May return early; callers loop. Signal-safe.
  virtual Fate WaitForWord(const std::atomic<uint64_t>* word, uint64_t value,
                           int64_t deadline_ns) = 0;

  // True once `peer` is known to have died or its connection to have broken. It stays so: a peer
  // does not come back under the same id. Signal-safe, one load.
  virtual bool peer_failed(NodeId peer) const = 0;

  // Why, in words for a person. Empty if the peer has not failed. Not signal-safe.
  virtual std::string failure_reason(NodeId peer) const = 0;

  // Treats `peer` as failed from now on (a lease ran out, the launcher says it died). Not
  // signal-safe.
  virtual void MarkPeerFailed(NodeId peer, std::string_view reason) = 0;

 protected:
  Transport() = default;
  Capabilities capabilities_;
  NodeId self_;
  uint32_t size_ = 0;
};

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_TRANSPORT_H_
