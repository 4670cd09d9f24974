// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The workspace: values that live at the same time never overlap. Live ranges count kernels; blocks are placed by first fit,
// the largest first. Values of one chain of kernels lie in its slots, which have room for the images of one part of the batch. An
// elementwise kernel may write its result over an operand that it reads for the last time.
#include <algorithm>
#include <set>

#include "ir/op.h"
#include "schedule/steps.h"
#include "support/check.h"

namespace cnnc {
namespace {

constexpr int64_t kAlignment = 64;

int64_t align(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Memory of one value and of all its aliases, or the slots of a chain.
struct Block {
  int64_t bytes = 0;          // PerGroup: of a group; Slot: of the images of a part
  Place::Kind kind = Place::Fixed;
  int32_t chain = -1;         // whose Slot it lies in
  int32_t first = -1, last = -1;   // kernels; first writes it
  int64_t offset = 0;
};

class MemoryPlanner {
 public:
  MemoryPlanner(const Draft& draft, FunctionPlan& plan) : draft_(draft), graph_(draft.function->graph), plan_(plan) {}

  void run() {
    find_blocks();
    for (size_t i = 0; i < plan_.chains.size(); ++i) fit_to_chain(static_cast<int32_t>(i));
    share_in_place();
    std::vector<Block*> fixed = blocks_in(Place::Fixed), per_group = blocks_in(Place::PerGroup);
    std::vector<Block> slots = blocks_of_slots();
    for (Block& block : slots) fixed.push_back(&block);
    plan_.workspace_fixed = arrange(fixed);
    plan_.workspace_per_group = arrange(per_group);
    for (size_t i = 0; i < slots.size(); ++i) plan_.chains[i].offset = slots[i].offset;
    for (int32_t i = 0; i < graph_.value_count(); ++i) place({i});
  }

 private:
  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }
  ValueId root(ValueId value) const { return memory_of(draft_, value).owner; }
  Place& place_of(ValueId value) { return plan_.places[index(value)]; }

  void find_blocks() {
    blocks_.resize(static_cast<size_t>(graph_.value_count()));
    shared_.resize(blocks_.size());
    for (size_t i = 0; i < shared_.size(); ++i) shared_[i] = {static_cast<int32_t>(i)};
    for (size_t k = 0; k < draft_.kernels.size(); ++k) {
      for (ValueId value : draft_.kernels[k].writes) start(root(value), static_cast<int32_t>(k));
      for (ValueId value : draft_.kernels[k].reads) {
        Block& block = blocks_[index(root(value))];
        block.last = std::max(block.last, static_cast<int32_t>(k));
      }
    }
  }

  /// What lives in the chain alone needs memory for its images; anything else that it touches lives as long as all of it runs.
  void fit_to_chain(int32_t number) {
    const Chain& chain = plan_.chains[static_cast<size_t>(number)];
    const auto first = static_cast<int32_t>(chain.first), last = static_cast<int32_t>(chain.end) - 1;
    std::set<ValueId> touched;
    for (size_t k = chain.first; k < chain.end; ++k) {
      const Kernel& kernel = draft_.kernels[k];
      for (const auto* values : {&kernel.reads, &kernel.writes})
        for (ValueId value : *values) touched.insert(root(value));
    }
    for (ValueId value : touched) {
      Block& block = blocks_[index(value)];
      if (block.first < 0) continue;
      if (block.kind == Place::PerGroup && block.first >= first && block.last <= last) {
        block.bytes = align(stored_bytes(graph_.type(value), draft_.layouts[index(value)]) * chain.images);
        block.kind = Place::Slot, block.chain = number;
      } else {
        block.first = std::min(block.first, first), block.last = std::max(block.last, last);
      }
    }
  }

  void start(ValueId value, int32_t kernel) {
    if (place_of(value).kind != Place::None) return;
    const TensorType& type = graph_.type(value);
    const Layout& layout = draft_.layouts[index(value)];
    Block& block = blocks_[index(value)];
    if (block.first >= 0) return;      // another part of the same memory
    const int64_t images = type.batched && layout.kind != LayoutKind::Lanes ? plan_.group : 1;
    block = {align(stored_bytes(type, layout) * images), type.batched ? Place::PerGroup : Place::Fixed, -1, kernel, kernel, 0};
  }

  /// Whether the kernel reads the value only at the place that it writes: then memory may be shared.
  bool reads_in_place(const Kernel& kernel, ValueId read, ValueId write) const {
    if (kernel.schedule.name != "elementwise" || kernel.writes.size() != 1) return false;
    // A tail that shifts inwards computes elements twice, the second time from its own result: only where vectors have none.
    if (draft_.layouts[index(write)].kind != LayoutKind::Lanes) return false;
    if (!(graph_.type(read) == graph_.type(write)) || !(draft_.layouts[index(read)] == draft_.layouts[index(write)])) return false;
    // Maps only repeat elements, so an operand as large as the result is read at the result's own place.
    for (int32_t node : kernel.nodes) {
      const std::string& op = graph_.node(node).op->name;
      if (op != "map" && op != "constant" && op != "broadcast") return false;
    }
    return true;
  }

  void share_in_place() {
    for (size_t k = 0; k < draft_.kernels.size(); ++k) {
      const Kernel& kernel = draft_.kernels[k];
      if (kernel.writes.empty() || blocks_[index(kernel.writes[0])].first < 0) continue;
      for (ValueId read : kernel.reads) {
        if (!reads_in_place(kernel, read, kernel.writes[0])) continue;
        Block& from = blocks_[index(owner(root(read)))];
        Block& to = blocks_[index(kernel.writes[0])];
        if (from.first < 0 || from.last != static_cast<int32_t>(k) || from.kind != to.kind || from.chain != to.chain) continue;
        shared_[index(kernel.writes[0])] = owner(root(read));
        from.last = std::max(from.last, to.last);
        to.first = -1;
        break;
      }
    }
  }

  ValueId owner(ValueId value) const { return shared_[index(value)]; }

  std::vector<Block*> blocks_in(Place::Kind kind, int32_t chain = -1) {
    std::vector<Block*> found;
    for (Block& block : blocks_)
      if (block.first >= 0 && block.kind == kind && block.chain == chain) found.push_back(&block);
    return found;
  }

  /// By chain.
  std::vector<Block> blocks_of_slots() {
    std::vector<Block> blocks;
    for (Chain& chain : plan_.chains) {
      chain.slot_bytes = arrange(blocks_in(Place::Slot, static_cast<int32_t>(blocks.size())));
      blocks.push_back({kTakenSlotsBytes + chain.slots * chain.slot_bytes, Place::Fixed, -1, static_cast<int32_t>(chain.first), static_cast<int32_t>(chain.end) - 1, 0});
    }
    return blocks;
  }

  /// Sets the offsets of blocks that lie in one memory; gives its bytes.
  static int64_t arrange(std::vector<Block*> order) {
    std::stable_sort(order.begin(), order.end(), [](const Block* a, const Block* b) { return a->bytes > b->bytes; });
    int64_t total = 0;
    std::vector<const Block*> placed;   // by offset
    for (Block* block : order) {
      block->offset = 0;
      for (const Block* other : placed) {
        if (other->last < block->first || block->last < other->first) continue;
        if (block->offset + block->bytes <= other->offset) break;
        block->offset = std::max(block->offset, other->offset + other->bytes);
      }
      placed.insert(std::upper_bound(placed.begin(), placed.end(), block,
                                     [](const Block* a, const Block* b) { return a->offset < b->offset; }),
                    block);
      total = std::max(total, block->offset + block->bytes);
    }
    return total;
  }

  void place(ValueId value) {
    const Memory memory = memory_of(draft_, value);
    if (memory.owner != value) {
      if (place_of(memory.owner).kind == Place::None) place(memory.owner);
      place_of(value) = place_of(memory.owner);
      place_of(value).inner = memory.offset;
      return;
    }
    if (place_of(value).kind != Place::None) return;
    const Block& block = blocks_[index(owner(value))];
    if (block.first < 0) return;
    place_of(value) = {block.kind, std::max(block.chain, 0), block.offset};
  }

  const Draft& draft_;
  const Graph& graph_;
  FunctionPlan& plan_;
  std::vector<Block> blocks_;      // by value that owns memory
  std::vector<ValueId> shared_;    // by value: whose block it uses
};

}  // namespace

void plan_memory(const Draft& draft, FunctionPlan& plan) { MemoryPlanner(draft, plan).run(); }

}  // namespace cnnc
