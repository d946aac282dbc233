#include "transport/types.h"

namespace farpage::transport {

const char* FateName(Fate fate) {
  switch (fate) {
    case Fate::kOk:
      return "ok";
    case Fate::kPending:
      return "pending";
    case Fate::kPeerFailed:
      return "peer failed";
    case Fate::kBadAddress:
      return "bad address";
    case Fate::kNoCredit:
      return "no credit";
    case Fate::kTimedOut:
      return "timed out";
  }
  return "unknown";
}

}  // namespace farpage::transport
