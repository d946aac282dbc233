#include "tests/simulation/truth.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace farpage::simulation {

using internal::kPageBytes;
using internal::PageId;

Truth::Page& Truth::At(PageId page) {
  std::unique_ptr<Page>& there = pages_[page.value];
  if (there == nullptr) there = std::make_unique<Page>();
  return *there;
}

Truth::Wrong Truth::OnMap(NodeId node, PageId page, Access access, const std::byte* content) {
  Page& truth = At(page);
  const NodeId writer = truth.writer;
  const bool has_it = truth.readers.contains(node);
  truth.readers.insert(node);
  if (access == Access::kWrite) truth.writer = truth.last_writer = node;
  if (writer.valid() && writer != node) {
    return absl::StrCat("node ", node.value(), " maps the page while node ", writer.value(),
                        " maps it for writing");
  }
  const uint32_t mappings = truth.readers.count();
  if (access == Access::kWrite && mappings > 1) {
    return absl::StrCat("node ", node.value(), " maps the page for writing while ", mappings - 1,
                        " others map it");
  }
  if (has_it && access == Access::kRead) {
    return absl::StrCat("node ", node.value(), " maps a page that it maps already");
  }
  for (size_t offset = 0; offset < kPageBytes; offset += sizeof(uint64_t)) {
    uint64_t is = 0;
    uint64_t should = 0;
    std::memcpy(&is, content + offset, sizeof is);
    std::memcpy(&should, truth.content.data() + offset, sizeof should);
    if (is == should) continue;
    return absl::StrCat("node ", node.value(), " maps old content: word ", offset / 8, " reads ",
                        absl::Hex(is), ", and the last store was ", absl::Hex(should));
  }
  return std::nullopt;
}

void Truth::OnProtect(NodeId node, PageId page) {
  Page& truth = At(page);
  if (truth.writer == node) truth.writer = NodeId::None();
}

void Truth::OnUnmap(NodeId node, PageId page) {
  Page& truth = At(page);
  truth.readers.erase(node);
  if (truth.writer == node) truth.writer = NodeId::None();
}

void Truth::OnDeath(NodeId node) {
  for (auto& [id, page] : pages_) OnUnmap(node, PageId{id});
}

Truth::Wrong Truth::OnLoad(NodeId node, PageId page, uint64_t offset, uint64_t value) const {
  const auto found = pages_.find(page.value);
  uint64_t should = 0;
  if (found != pages_.end()) {
    std::memcpy(&should, found->second->content.data() + offset, sizeof should);
  }
  if (value == should) return std::nullopt;
  return absl::StrCat("node ", node.value(), " loads ", absl::Hex(value), " from word ", offset / 8,
                      ", and the last store was ", absl::Hex(should));
}

void Truth::OnStore(PageId page, uint64_t offset, uint64_t value) {
  std::memcpy(At(page).content.data() + offset, &value, sizeof value);
}

NodeId Truth::LastWriterOf(PageId page) const {
  const auto found = pages_.find(page.value);
  return found == pages_.end() ? NodeId::None() : found->second->last_writer;
}

}  // namespace farpage::simulation
