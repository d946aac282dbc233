#include "transport/shm/one_sided.h"

#include <atomic>

#include "transport/full_fence.h"
#include "transport/shm/copy.h"
#include "transport/shm/gates.h"

namespace farpage::transport::shm {
namespace {

constexpr uint32_t kMaxBytes = uint32_t{1} << 30;

bool IsWord(const std::byte* at) { return (reinterpret_cast<uintptr_t>(at) & 7) == 0; }

std::atomic_ref<uint64_t> Word(std::byte* at) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(at));
}

void StoreLocal(void* local, uint64_t value) {
  if (local == nullptr) return;
  Copy(static_cast<std::byte*>(local), reinterpret_cast<std::byte*>(&value), 8);
}

Fate Read(const Segment& target, const Operation& op) {
  if (op.length == 0) return Fate::kOk;
  std::byte* const from = target.Resolve(op.remote, op.length);
  if (from == nullptr || op.local == nullptr || op.length > kMaxBytes) return Fate::kBadAddress;
  if (op.length == 8 && IsWord(from)) {
    StoreLocal(op.local, Word(from).load(std::memory_order_seq_cst));
  } else {
    Copy(static_cast<std::byte*>(op.local), from, op.length);
  }
  return Fate::kOk;
}

uint64_t WordToWrite(const Operation& op) {
  uint64_t value = op.operand;
  if (op.local != nullptr) {
    Copy(reinterpret_cast<std::byte*>(&value), static_cast<std::byte*>(op.local), 8);
  }
  return value;
}

Fate Write(const Segment& target, const Operation& op) {
  if (op.length == 0) return Fate::kOk;
  std::byte* const to = target.Resolve(op.remote, op.length);
  if (to == nullptr || op.length > kMaxBytes) return Fate::kBadAddress;
  if (op.length == 8) {
    uint64_t value = WordToWrite(op);
    if (IsWord(to)) {
      Word(to).store(value, std::memory_order_seq_cst);
      return Fate::kOk;
    }
    Copy(to, reinterpret_cast<std::byte*>(&value), 8);
  } else {
    if (op.local == nullptr) return Fate::kBadAddress;
    Copy(to, static_cast<std::byte*>(op.local), op.length);
  }
  // A read that follows, in this chain or a later one, must not overtake the stores.
  FullFence();
  return Fate::kOk;
}

Fate WriteWithImmediate(const Segment& target, const Operation& op) {
  std::byte* const to = target.Resolve(op.remote, 8);
  if (to == nullptr || op.length != 8 || !IsWord(to)) return Fate::kBadAddress;
  Word(to).store(WordToWrite(op), std::memory_order_seq_cst);
  WakeSleepers(target, op.remote.address);
  return Fate::kOk;
}

Fate CompareAndSwap(const Segment& target, const Operation& op) {
  std::byte* const at = target.Resolve(op.remote, 8);
  if (at == nullptr || !IsWord(at)) return Fate::kBadAddress;
  uint64_t found = op.compare;
  Word(at).compare_exchange_strong(found, op.operand, std::memory_order_seq_cst);
  StoreLocal(op.local, found);
  return Fate::kOk;
}

Fate FetchAndAdd(const Segment& target, const Operation& op) {
  std::byte* const at = target.Resolve(op.remote, 8);
  if (at == nullptr || !IsWord(at)) return Fate::kBadAddress;
  StoreLocal(op.local, Word(at).fetch_add(op.operand, std::memory_order_seq_cst));
  return Fate::kOk;
}

Fate ExecuteOne(const Segment& target, const Operation& op) {
  switch (op.code) {
    case OpCode::kRead:
      return Read(target, op);
    case OpCode::kWrite:
      return Write(target, op);
    case OpCode::kWriteWithImmediate:
      return WriteWithImmediate(target, op);
    case OpCode::kCompareAndSwap:
      return CompareAndSwap(target, op);
    case OpCode::kFetchAndAdd:
      return FetchAndAdd(target, op);
  }
  return Fate::kBadAddress;
}

}  // namespace

Fate Execute(const Segment& target, std::span<const Operation> chain) {
  for (const Operation& op : chain) {
    const Fate fate = ExecuteOne(target, op);
    if (fate != Fate::kOk) return fate;
  }
  return Fate::kOk;
}

}  // namespace farpage::transport::shm
