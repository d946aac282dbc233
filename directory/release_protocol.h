// Release consistency, as one node sees one page: home-based, with many writers at once (after
// Zhou, Iftode and Li, Performance Evaluation of Two Home-Based Lazy Release Consistency Protocols,
// OSDI 1996). There is no directory entry: nobody needs to know who has copies.
//
//  - A copy is read from the home's frame. A first write keeps the bytes from before (the twin).
//  - A release writes the bytes that differ from the twin to the home; then a notice that names the
//    page is appended to the writer's log.
//  - An acquire reads the logs and drops the copies that notices name. Bytes of a dropped copy that
//    are not home yet go there first.
//  - The home's own pages are its frames: always there, without twins. Only the fact that they were
//    written is tracked.
//
// Pure functions, as in protocol.h: decisions here, deeds in runtime/release/.
#ifndef FARPAGE_DIRECTORY_RELEASE_PROTOCOL_H_
#define FARPAGE_DIRECTORY_RELEASE_PROTOCOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace farpage::directory {

enum class ReleaseState : uint8_t {
  kInvalid,   // no copy here. All zero, as in fresh memory
  kFetching,  // a thread reads the home's frame
  kClean,     // mapped for reading
  kDirty,     // mapped for writing; written since the last release
};
inline constexpr size_t kReleaseStates = 4;
const char* Name(ReleaseState state);

struct ReleasePage {
  ReleaseState state = ReleaseState::kInvalid;
  bool listed = false;  // among the pages that the next release looks at
  bool owed = false;    // bytes have gone home that no notice names yet
  bool stale = false;   // named while it was fetched
};

enum class ReleaseInput : uint8_t {
  kRead,     // a thread wants to read
  kWrite,    // … to write
  kFetched,  // the frame's content has come, for a reader
  kFetchedToWrite,
  kFetchFailed,
  kNamed,    // a notice names the page
  kRelease,  // a release has come to the page
  kEvict,    // room is needed
};
inline constexpr size_t kReleaseInputs = 8;
const char* Name(ReleaseInput input);

// To be carried out in the order given.
enum class ReleaseEffect : uint8_t {
  kFetch,         // read the frame; then feed kFetched or kFetchFailed
  kMapRead,       // map what was fetched, for reading
  kMapWrite,      // …, for writing
  kKeepTwin,      // keep the bytes as they are now
  kMakeWritable,  // what is mapped
  kProtect,       // no more writes; what is mapped stays readable
  kSendDiff,      // write the bytes that differ from the twin to the frame
  kRefreshTwin,   // the twin is as what was sent
  kDropTwin,      //
  kMerge,         // what differs between the frame and the twin, into the page; and into the twin
  kUnmap,         //
  kList,          // put among the pages that the next release looks at
  kNotice,        // append a notice, after all diffs of this release are home
};
const char* Name(ReleaseEffect effect);

class ReleaseEffects {
 public:
  static constexpr size_t kMost = 6;
  void push_back(ReleaseEffect effect) { effects_[count_++] = effect; }
  const ReleaseEffect* begin() const { return effects_.data(); }
  const ReleaseEffect* end() const { return effects_.data() + count_; }
  size_t size() const { return count_; }
  bool contains(ReleaseEffect effect) const;

 private:
  std::array<ReleaseEffect, kMost> effects_{};
  uint8_t count_ = 0;
};

enum class ReleaseVerdict : uint8_t {
  kStepped,  // carry out the effects
  kHit,      // the access is possible as it is
  kWait,     // for the fetch under way; then again
  kRefused,  // the page stays
};

struct ReleaseStimulus {
  ReleaseInput input = ReleaseInput::kRead;
  bool at_home = false;  // this node is the page's home
  // The page stays mapped as it is: it is pinned, or written in nearly every interval. The one may
  // follow the other at any time.
  bool stays = false;
};

// Decides, and changes `page`. Nothing is impossible: no other node has a say.
ReleaseVerdict StepRelease(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects);

}  // namespace farpage::directory

#endif  // FARPAGE_DIRECTORY_RELEASE_PROTOCOL_H_
