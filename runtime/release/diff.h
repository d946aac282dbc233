// Which bytes of a page differ from its twin, and how they get into another copy of the page.
#ifndef FARPAGE_RUNTIME_RELEASE_DIFF_H_
#define FARPAGE_RUNTIME_RELEASE_DIFF_H_

#include <cstddef>
#include <cstdint>

namespace farpage::internal {

// All pages are kPageBytes long and 8-byte aligned. Signal-safe. About 0.1 µs for a page without
// changes.

// Copies a page that other threads may be writing to: no aligned 8-byte word tears.
void CopyPage(std::byte* to, const std::byte* from);

// Writes the bytes of `now` that differ from `twin` into `frame`, and no other, and returns how
// many they are. Other nodes may write other bytes of the frame at the same time, those of the same
// words included, and whoever reads an aligned word of it sees all bytes of this word or none.
// `now` may be written to meanwhile: each word is read once. With `refresh`, the twin is afterwards
// as what was read.
uint32_t ApplyDiff(const std::byte* now, std::byte* twin, bool refresh, std::byte* frame);

// The first stretch of bytes at or after `begin` in which `now` differs from `twin`. Empty if there
// is none.
struct ByteRun {
  uint32_t begin = 0;
  uint32_t end = 0;
};
ByteRun NextRun(const std::byte* now, const std::byte* twin, uint32_t begin);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_DIFF_H_
