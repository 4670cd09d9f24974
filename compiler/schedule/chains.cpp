// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chains: kernels that a few images pass through before the next ones do, so that what one kernel writes lies in caches when
// the following one reads it. The shortest way through the kernels is searched among all chains and numbers of images, by an
// estimate of the time that memory takes: long chains of few images where maps are large, the whole batch at once where weights are.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/steps.h"
#include "schedule/vary.h"

namespace cnnc {
namespace {

/// A value that a kernel reads or writes for each image.
struct Stream {
  double bytes = 0;                     // of an image
  int32_t writer = -1, last_reader = -1;   // kernels; no writer: an argument; a result of the function is read at the end
};

/// What the choice knows about a kernel.
struct KernelCost {
  std::vector<Stream> streams;
  double fixed_bytes = 0;               // weights
  bool is_per_image = true;             // it may run for some images of the batch
  int64_t multiple = 1;                 // its images at a time: what keeps every value aligned
  std::vector<double> compute_ns;       // of an image, by number of images: only what depends on it, its weights included
};

class ChainChooser {
 public:
  ChainChooser(const Draft& draft, const PlanContext& context) : draft_(draft), graph_(draft.function->graph), target_(context.target), batch_(context.options.infer_batch) {
    for (int64_t images = 1; images < batch_; images *= 2) sizes_.push_back(images);
    sizes_.push_back(batch_);
    find_uses();
    for (size_t k = 0; k < draft.kernels.size(); ++k) kernels_.push_back(cost_of(draft.kernels[k]));
  }

  std::vector<Chain> choose() const {
    const size_t count = kernels_.size();
    struct Step {
      double ns = std::numeric_limits<double>::infinity();
      size_t first = 0;
      int64_t images = 0;
    };
    std::vector<Step> best(count + 1);      // of the kernels before
    best[0].ns = 0;
    for (size_t end = 1; end <= count; ++end)
      for (size_t first = end - std::min(end, kLongestChain); first < end; ++first)
        for (size_t size = 0; size < sizes_.size(); ++size) {
          const double ns = best[first].ns + chain_ns(first, end, size);
          if (ns < best[end].ns * (1 - 1e-9)) best[end] = {ns, first, sizes_[size]};
        }
    std::vector<Chain> chains;
    for (size_t end = count; end > 0; end = best[end].first)
      if (best[end].images < batch_) chains.push_back(chain_of_images(best[end].first, end, best[end].images));
    std::reverse(chains.begin(), chains.end());
    return chains;
  }

  /// Any legal ones.
  std::vector<Chain> draw(uint64_t variation) const {
    std::vector<Chain> chains;
    for (size_t first = 0; first < kernels_.size();) {
      const auto drawn = [&](const char* what, uint64_t most) { return varied_choice(variation, what + draft_.function->name + std::to_string(first), most); };
      const size_t end = std::min(kernels_.size(), first + 1 + drawn("length of chain", 6));
      int64_t images = 1 + static_cast<int64_t>(drawn("images of chain", 4));
      for (size_t k = first; k < end; ++k) images = images * kernels_[k].multiple / std::gcd(images, kernels_[k].multiple);
      const bool is_legal = std::all_of(kernels_.begin() + static_cast<ptrdiff_t>(first), kernels_.begin() + static_cast<ptrdiff_t>(end), [](const KernelCost& cost) { return cost.is_per_image; });
      if (is_legal && drawn("chain", 3) > 0) chains.push_back(chain_of_images(first, end, images));
      first = end;
    }
    return chains;
  }

 private:
  static constexpr size_t kLongestChain = 64;
  static constexpr int64_t kMostSlots = 16;       // memory grows with them; more threads than this share kernels
  static constexpr int64_t kAlignment = 64;

  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }

  Chain chain_of_images(size_t first, size_t end, int64_t images) const {
    return {first, end, images, std::clamp<int64_t>((batch_ + images - 1) / images, 1, kMostSlots), 0, 0};
  }

  void find_uses() {
    writers_.assign(static_cast<size_t>(graph_.value_count()), -1);
    last_readers_ = writers_;
    const auto end = static_cast<int32_t>(draft_.kernels.size());
    for (int32_t k = 0; k < end; ++k) {
      for (ValueId value : draft_.kernels[static_cast<size_t>(k)].writes) {
        int32_t& writer = writers_[index(memory_of(draft_, value).owner)];
        if (writer < 0) writer = k;
      }
      for (ValueId value : draft_.kernels[static_cast<size_t>(k)].reads) last_readers_[index(memory_of(draft_, value).owner)] = k;
    }
    for (const Port& port : draft_.function->results) last_readers_[index(memory_of(draft_, port.value).owner)] = end;
  }

  KernelCost cost_of(const Kernel& kernel) const {
    KernelCost cost;
    const auto add = [&](ValueId value) {
      const TensorType& type = graph_.type(value);
      const Layout& layout = draft_.layouts[index(value)];
      const int64_t bytes = stored_bytes(type, layout);
      if (!type.batched) {
        cost.fixed_bytes += static_cast<double>(bytes);
        return;
      }
      cost.is_per_image = cost.is_per_image && layout.kind != LayoutKind::Lanes;
      cost.multiple = std::max(cost.multiple, kAlignment / std::gcd(kAlignment, step_bytes(type, layout)));
      const ValueId memory = memory_of(draft_, value).owner;
      cost.streams.push_back({static_cast<double>(bytes), writers_[index(memory)], last_readers_[index(memory)]});
    };
    for (ValueId value : kernel.reads) add(value);
    for (ValueId value : kernel.writes) {
      add(value);
      cost.is_per_image = cost.is_per_image && graph_.type(value).batched;
    }
    // Who counts the images of the batch wants to see all of them.
    for (const int32_t node : kernel.nodes) cost.is_per_image = cost.is_per_image && graph_.node(node).op->name != "images";
    for (const int64_t images : sizes_) cost.compute_ns.push_back(compute_ns(kernel, images, cost.fixed_bytes));
    return cost;
  }

  /// Of an image. Large weights of direct sums are read for each image; Winograd's algorithm and dense layers read them once for
  /// several, and Winograd's fills register tiles better too.
  double compute_ns(const Kernel& kernel, int64_t images, double fixed_bytes) const {
    if (kernel.anchor < 0) return 0;
    const Node& node = graph_.node(kernel.anchor);
    if (node.op->name == "dense") return memory_ns(fixed_bytes, fixed_bytes) / static_cast<double>(images);
    if (node.op->name != "conv" || draft_.layouts[index(node.operands[1])].kind != LayoutKind::Winograd) return 0;
    constexpr double kOperations = 2;
    const int64_t lanes = target_.lanes(graph_.type(node.results[0]).element);
    const Dims& packed = draft_.layouts[index(node.operands[1])].tile;
    const WinogradTile tile = winograd_tile(winograd_shape(graph_, node, lanes, false, images), packed[2], target_, packed[1]);
    return tile.cost * kOperations * static_cast<double>(lanes) / target_.peak_gflops;
  }

  /// How long so many bytes take that lie among `touched` ones; in a core's own caches no time of their own.
  double memory_ns(double bytes, double touched) const {
    if (touched <= static_cast<double>(target_.level2_bytes) * kUsableShare) return 0;
    return bytes / (touched <= static_cast<double>(target_.level3_bytes) * kUsableShare ? target_.level3_gbs : target_.memory_gbs);
  }

  double chain_ns(size_t first, size_t end, size_t size) const {
    constexpr double kCallNs = 5000;      // threads wait for the last task of each kernel
    const auto images = static_cast<double>(sizes_[size]), batch = static_cast<double>(batch_);
    const bool is_part = sizes_[size] < batch_;
    double ns = 0, weights = 0;
    for (size_t k = first; k < end; ++k) weights += kernels_[k].fixed_bytes;
    for (size_t k = first; k < end; ++k) {
      const KernelCost& cost = kernels_[k];
      if (is_part && (!cost.is_per_image || sizes_[size] % cost.multiple != 0)) return std::numeric_limits<double>::infinity();
      const double times = std::ceil(batch / images);
      ns += batch * cost.compute_ns[size] + times * kCallNs;
      if (memory_ns(cost.fixed_bytes, cost.fixed_bytes) == 0) ns += times * memory_ns(cost.fixed_bytes, weights);
      double local = 0;
      for (const Stream& stream : cost.streams) local += images * stream.bytes;
      for (const Stream& stream : cost.streams) {
        const bool is_inside = stream.writer >= static_cast<int32_t>(first) && stream.last_reader < static_cast<int32_t>(end);
        ns += memory_ns(batch * stream.bytes, is_inside ? local : batch * stream.bytes);
      }
    }
    return ns;
  }

  static constexpr double kUsableShare = 0.6;     // of a cache: the rest holds weights, and what passes through

  const Draft& draft_;
  const Graph& graph_;
  const Target& target_;
  const int64_t batch_;
  std::vector<int64_t> sizes_;
  std::vector<int32_t> writers_, last_readers_;   // the first and the last kernel, by value that owns memory
  std::vector<KernelCost> kernels_;
};

}  // namespace

void choose_chains(Draft& draft, const PlanContext& context) {
  if (draft.purpose != Purpose::Inference) return;
  const uint64_t variation = context.options.variation;
  if (variation == 0 && context.options.infer_batch == 1) return;
  const ChainChooser chooser(draft, context);
  draft.chains = variation != 0 ? chooser.draw(variation) : chooser.choose();
}

int64_t images_at_once(const std::vector<Chain>& chains, size_t kernel, int64_t batch) {
  const Chain* chain = chain_of(chains, kernel);
  return chain ? std::min(chain->images, batch) : batch;
}

const Chain* chain_of(const std::vector<Chain>& chains, size_t kernel) {
  for (const Chain& chain : chains)
    if (chain.first <= kernel && kernel < chain.end) return &chain;
  return nullptr;
}

}  // namespace cnnc
