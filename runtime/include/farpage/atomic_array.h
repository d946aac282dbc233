// An array of integers that all nodes change atomically, in memory of its own that is never cached.
#ifndef FARPAGE_ATOMIC_ARRAY_H_
#define FARPAGE_ATOMIC_ARRAY_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace farpage {

namespace internal {

class AtomicWordsImpl;

// What AtomicArray is made of: operations on 64-bit words through the fabric.
class AtomicWords {
 public:
  explicit AtomicWords(std::shared_ptr<AtomicWordsImpl> impl) : impl_(std::move(impl)) {}
  size_t size() const;
  uint64_t Load(size_t index) const;
  void Store(size_t index, uint64_t value);
  uint64_t FetchAdd(size_t index, uint64_t add);
  // Returns the old value; the swap happened if it equals `expected`.
  uint64_t CompareExchange(size_t index, uint64_t expected, uint64_t desired);

 private:
  std::shared_ptr<AtomicWordsImpl> impl_;
};

}  // namespace internal

// Elements are dealt to the nodes in blocks. Every operation is one round trip to the element's
// home (exchange and store: one or more) and is sequentially consistent with the others on this
// element. It orders nothing else: with release consistency what was written before it need not be
// seen after it, so that no lock can be made of it; Mutex, Semaphore and Flag do order.
//
// An operation whose home has died throws std::system_error (std::errc::host_unreachable), one that
// outlasts ClusterOptions::timeout_ms the same with std::errc::timed_out, an index out of
// range std::out_of_range. Any thread may call. Copies name the same array, and must not outlive
// the Node.
template <typename T>
class AtomicArray {
  static_assert(sizeof(T) == 8 && std::is_trivially_copyable_v<T>,
                "fabrics have atomics of 8 bytes only");

 public:
  explicit AtomicArray(internal::AtomicWords words) : words_(std::move(words)) {}

  size_t size() const { return words_.size(); }
  T load(size_t index) const { return std::bit_cast<T>(words_.Load(index)); }
  void store(size_t index, T value) { words_.Store(index, std::bit_cast<uint64_t>(value)); }
  T fetch_add(size_t index, T add) requires std::is_integral_v<T> {
    return std::bit_cast<T>(words_.FetchAdd(index, std::bit_cast<uint64_t>(add)));
  }
  T fetch_sub(size_t index, T subtract) requires std::is_integral_v<T> {
    return fetch_add(index, static_cast<T>(0 - static_cast<uint64_t>(subtract)));
  }
  // As std::atomic: on failure `expected` becomes the value found. Compares bits.
  bool compare_exchange(size_t index, T& expected, T desired) {
    const uint64_t wanted = std::bit_cast<uint64_t>(expected);
    const uint64_t found = words_.CompareExchange(index, wanted, std::bit_cast<uint64_t>(desired));
    expected = std::bit_cast<T>(found);
    return found == wanted;
  }
  T exchange(size_t index, T desired) {
    T found = load(index);
    while (!compare_exchange(index, found, desired)) {
    }
    return found;
  }

 private:
  internal::AtomicWords words_;
};

}  // namespace farpage

#endif  // FARPAGE_ATOMIC_ARRAY_H_
