#include "bench/apps/frame/team.h"

#include <system_error>
#include <thread>

#include "absl/status/status.h"
#include "bench/apps/frame/die.h"
#include "bench/apps/frame/measurement.h"

namespace farpage::apps {

namespace {

// Two sets of terms in turn: a fast node may store its next before a slow one has read these, but
// not the ones after that, for then there has been a barrier.
constexpr size_t kSets = 2;
constexpr size_t kTermsPerNode = kSets * Team::kMostTerms;  // dealt in blocks: at home at the node

}  // namespace

absl::StatusOr<std::unique_ptr<Team>> Team::Create(Node& node, uint32_t threads) {
  absl::StatusOr<AtomicArray<uint64_t>> terms =
      node.MakeAtomicArray<uint64_t>("terms of reductions", node.size() * kTermsPerNode);
  if (!terms.ok()) return terms.status();
  return std::unique_ptr<Team>(new Team(node, threads, *terms));
}

Team::Team(Node& node, uint32_t threads, AtomicArray<uint64_t> terms)
    : node_(&node),
      exchanged_(std::move(terms)),
      offers_(threads),
      all_(threads, Completion{this}),
      own_(threads) {}

void Team::Run(const std::function<void(Worker&)>& work) {
  std::vector<std::thread> others;
  for (uint32_t thread = 1; thread < offers_.size(); ++thread) {
    others.emplace_back([this, &work, thread] {
      Worker worker(*this, thread);
      work(worker);
    });
  }
  Worker worker(*this, 0);
  work(worker);
  for (std::thread& other : others) other.join();
}

void Team::MeetNodes() noexcept {
  try {
    Offer offer = offers_[0];
    if (offer.combine != nullptr) {
      for (size_t thread = 1; thread < offers_.size(); ++thread) {
        offer.combine(offer.terms, offers_[thread].terms);
      }
      ReduceOverNodes(offer);
    } else if (const absl::Status met = node_->Barrier(); !met.ok()) {
      Die(*node_, "barrier", met);
    }
  } catch (const std::system_error& error) {  // the home of others' terms has died
    Die(*node_, "reduction", absl::UnavailableError(error.what()));
  }
}

// The terms are in an atomic array because they are no data but messages: each is written once and
// read once by everybody. In ordinary shared memory each would be a page that moves.
void Team::ReduceOverNodes(const Offer& offer) {
  const size_t set = reductions_++ % kSets * kMostTerms;
  const auto place = [&](uint32_t node, size_t term) { return node * kTermsPerNode + set + term; };
  for (size_t term = 0; term < offer.count; ++term) {
    exchanged_.store(place(node_->id(), term), offer.terms[term]);
  }
  if (const absl::Status met = node_->Barrier(); !met.ok()) Die(*node_, "reduction", met);
  reduced_ = {};
  for (uint32_t node = 0; node < node_->size(); ++node) {
    if (node == node_->id()) NoteBefore(reduced_);
    Terms terms{};
    for (size_t term = 0; term < offer.count; ++term) {
      terms[term] = exchanged_.load(place(node, term));
    }
    if (node == 0) {
      reduced_ = terms;
    } else {
      offer.combine(reduced_, terms);
    }
  }
}

// What is before node 0's first thread are no terms at all, whose bits are zero: right for sums,
// and nobody else asks.
void Team::NoteBefore(Terms before) {
  for (Offer& offer : offers_) {
    offer.before = before;
    offer.combine(before, offer.terms);
  }
}

void Worker::Meet(const Team::Offer& offer) {
  const Stopwatch waited;
  team_->offers_[thread_] = offer;
  team_->all_.arrive_and_wait();
  waited_seconds_ += waited.seconds();
}

Range Worker::BlockOfWorker(size_t index, size_t items, size_t item_bytes) const {
  // Where there are not enough whole pages for all, nodes share pages rather than have nothing to
  // do.
  const size_t whole_pages = ItemsPerWholePages(item_bytes);
  const bool enough = (items + whole_pages - 1) / whole_pages >= nodes();
  const Range node = BlockOf(items, nodes(), index / threads(), enough ? whole_pages : 1);
  const Range part = BlockOf(node.size(), threads(), index % threads());
  return {node.begin + part.begin, node.begin + part.end};
}

}  // namespace farpage::apps
