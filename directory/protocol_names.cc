#include "directory/protocol.h"

namespace farpage::directory {

const char* Name(State state) {
  static constexpr std::array<const char*, kStates> kNames = {
      "Invalid",   "ReadChain", "ReadFetch", "WriteChain", "WriteFetch",
      "AwaitAcks", "Shared",    "Expiring",  "Exclusive",  "HandOver"};
  return kNames[static_cast<size_t>(state)];
}

const char* Name(Input input) {
  static constexpr std::array<const char*, kInputs> kNames = {
      "read",         "write",        "evict",           "read result", "write result",
      "page arrived", "GRANT_SHARED", "GRANT_EXCLUSIVE", "NACK",        "ACK",
      "INVALIDATE",   "FETCH_SHARED", "FETCH_EXCLUSIVE", "hold over",   "handed over",
      "peer failed",  "chain failed"};
  return kNames[static_cast<size_t>(input)];
}

const char* Name(Event event) {
  static constexpr std::array<const char*, kEvents> kNames = {"read",
                                                              "write",
                                                              "evict",
                                                              "read: no holder",
                                                              "read: no holder, ACK owed",
                                                              "read: holder",
                                                              "read ahead: holder",
                                                              "read: holder died",
                                                              "CAS won, no sharers",
                                                              "CAS won, sharers",
                                                              "CAS won ahead, sharers",
                                                              "CAS won, copy lost",
                                                              "CAS lost",
                                                              "CAS lost ahead",
                                                              "CAS lost, holder died",
                                                              "CAS lost to oneself, page died",
                                                              "page arrived",
                                                              "page arrived, last",
                                                              "GRANT_SHARED",
                                                              "GRANT_SHARED, poisoned",
                                                              "GRANT_EXCLUSIVE",
                                                              "NACK",
                                                              "ACK",
                                                              "ACK, last",
                                                              "INVALIDATE",
                                                              "INVALIDATE, held",
                                                              "INVALIDATE from partner",
                                                              "FETCH_SHARED",
                                                              "FETCH_EXCLUSIVE",
                                                              "FETCH, held",
                                                              "FETCH, no room to defer",
                                                              "hold over",
                                                              "handed over",
                                                              "partner died",
                                                              "chain failed",
                                                              "irrelevant"};
  return kNames[static_cast<size_t>(event)];
}

const char* Name(EffectKind kind) {
  switch (kind) {
    case EffectKind::kPostReadChain:
      return "PostReadChain";
    case EffectKind::kPostReadChainBitOn:
      return "PostReadChainBitOn";
    case EffectKind::kPostWriteChain:
      return "PostWriteChain";
    case EffectKind::kPostWriteChainNoPage:
      return "PostWriteChainNoPage";
    case EffectKind::kPostPageRead:
      return "PostPageRead";
    case EffectKind::kSetBit:
      return "SetBit";
    case EffectKind::kClearBit:
      return "ClearBit";
    case EffectKind::kReleaseHolder:
      return "ReleaseHolder";
    case EffectKind::kTransferHolder:
      return "TransferHolder";
    case EffectKind::kReturnHolder:
      return "ReturnHolder";
    case EffectKind::kWriteBack:
      return "WriteBack";
    case EffectKind::kSendInvalidates:
      return "SendInvalidates";
    case EffectKind::kSendAck:
      return "SendAck";
    case EffectKind::kSendNack:
      return "SendNack";
    case EffectKind::kSendFetchShared:
      return "SendFetchShared";
    case EffectKind::kSendFetchExclusive:
      return "SendFetchExclusive";
    case EffectKind::kSendGrantShared:
      return "SendGrantShared";
    case EffectKind::kSendGrantExclusive:
      return "SendGrantExclusive";
    case EffectKind::kInstallReadOnly:
      return "InstallReadOnly";
    case EffectKind::kInstallWritable:
      return "InstallWritable";
    case EffectKind::kMakeWritable:
      return "MakeWritable";
    case EffectKind::kWriteProtect:
      return "WriteProtect";
    case EffectKind::kCapture:
      return "Capture";
    case EffectKind::kZap:
      return "Zap";
    case EffectKind::kDefer:
      return "Defer";
    case EffectKind::kServeDeferred:
      return "ServeDeferred";
    case EffectKind::kStartHold:
      return "StartHold";
    case EffectKind::kFail:
      return "Fail";
  }
  return "?";
}

}  // namespace farpage::directory
