// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A function's schedule as data: which nodes form a kernel, in which layout each value is kept, which template with which
// parameters computes each kernel, and where each value lies in memory. No Halide here. Made by make_plan from a graph, a
// target and the batch that the choice is made for; printed by `--emit=kernels`.
//
// Invariants:
//  - every node of the function that computes something belongs to exactly one kernel, or is inlined into the kernels that use
//    it (constants of one number, broadcasts), or moves nothing: its result is its operand's memory (reshape) or a part of it (slice),
//    or has its operands as parts (concat);
//  - kernels are in an order in which they may run; a kernel reads only values written by earlier kernels, arguments, constants;
//  - the result is right for every batch: kernels take the batch as a run-time number. With `lanes` the images of a group lie
//    innermost; those beyond the batch hold unspecified numbers, so whatever reduces over the batch masks them. With `blocked`
//    the channels that fill up the last vector are unspecified too: reductions leave them out;
//  - no kernel allocates: scratch of constant size lies on the stack (bounded), anything larger is a value of the plan.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "schedule/target.h"

namespace cnnc {

enum class LayoutKind : uint8_t {
  Planar,    // [N][C][H][W]: files, arguments and results of the program, everything that is not batched
  Lanes,     // [N/V][C][H][W][V images]
  Blocked,   // [N][C/V][H][W][V channels], channels padded to whole vectors; perhaps with a border of zeros around H and W
  Packed,    // weights in the order in which a template reads them; `tile` is the template's
  Winograd,  // weights of 3x3 taps packed likewise, each filter transformed: (m+2)x(m+2) numbers for tiles of m by m outputs
};

struct Layout {
  LayoutKind kind = LayoutKind::Planar;
  int64_t vector = 1;
  Dims tile = {};                 // Packed, Winograd: lanes and vectors of a tile of outputs; Winograd: then m; then 1 where outputs and
                                  // inputs change places (Winograd: and taps their order), as the gradient towards x wants them
  Dims border = {};               // Blocked: zeros above, left, below, right of the image; empty: none
  int64_t image_step = 0;         // a part of a larger value: elements from an image (a group of them) to the next; 0: no others between
  bool operator==(const Layout&) const = default;
  bool is_packed() const { return kind == LayoutKind::Packed || kind == LayoutKind::Winograd; }
  /// Of packed weights: whether outputs and inputs have changed places.
  bool is_turned() const { return kind == LayoutKind::Packed ? tile.size() > 2 : kind == LayoutKind::Winograd && tile.back() == 1; }
  /// Whether weights packed so serve a template that wants the other: only the vectors of a tile may differ.
  bool serves(const Layout& other) const {
    return is_packed() && kind == other.kind && tile[0] == other.tile[0] && std::equal(tile.begin() + 2, tile.end(), other.tile.begin() + 2, other.tile.end());
  }
  /// Whether elements come in the same order, whatever lies around the image.
  bool same_order(const Layout& other) const { return kind == other.kind && vector == other.vector && tile == other.tile; }
};
/// Numbers along a side of a transformed filter of 3x3 taps.
constexpr int64_t winograd_side(int64_t outputs) { return outputs + 2; }
std::string to_string(const Layout& layout);      // "lanes(16)"

/// One dimension of the memory of a value, innermost first.
struct StoredDim {
  int64_t extent = 1;             // for `is_batch`: images (or groups of images) are counted at run time, the extent is 1
  bool is_batch = false;
  int64_t before = 0, after = 0;  // zeros on both sides
  int64_t stride = 1;             // in elements
};
/// The memory of a value of this type in this layout. Strides are products of the widths (borders included) before; that of the batch
/// is the layout's image_step, where it has one.
std::vector<StoredDim> stored_dims(const TensorType& type, const Layout& layout);
/// Elements before the first one of the image: those of the border.
int64_t border_elements(const std::vector<StoredDim>& dims);
/// Bytes of the value for one image (planar, blocked) or one group (lanes); of all of it where it is not batched.
int64_t stored_bytes(const TensorType& type, const Layout& layout);
/// Bytes from an image, or a group, to the next: more than stored_bytes where the value is a part of a larger one.
int64_t step_bytes(const TensorType& type, const Layout& layout);

/// Where a value lies.
struct Place {
  enum Kind : uint8_t {
    None,        // inlined: never stored
    Flat,        // a flat buffer of the program: `buffer` is a cnn_buffer, `offset` in bytes
    Column,      // column number `buffer` of the function
    Scalar,      // cell number `buffer` of the scalars
    Fixed,       // workspace, `offset` in bytes, the same for every batch
    Slot,        // in the slot that a part of the batch has in chain number `buffer`, at `offset`
    PerGroup,    // workspace behind the fixed part: offset * groups bytes
    Constant,    // constant data number `buffer` of the function
  } kind = None;
  int32_t buffer = 0;
  int64_t offset = 0;
  int64_t inner = 0;    // bytes from there, in every image, to the first channel of a part of a larger value
};

/// A template and its parameters: "conv.lanes(columns: 4, channels: 6)".
struct Schedule {
  std::string name;
  std::map<std::string, int64_t, std::less<>> parameters;
  bool operator==(const Schedule&) const = default;
};
std::string to_string(const Schedule& schedule);

/// What a kernel computes and in which layouts, whatever its schedule and target: what a stanza of a schedule file names.
struct KernelKey {
  std::string words;                    // "conv(pad: [1, 1, 1, 1]) + map: f32[N, 3, 32, 32], … -> …", ASCII without quotes
  uint64_t hash = 0;                    // of everything that the words leave out too
};

struct Kernel {
  std::string name;                     // "k3", unique in the function
  std::string label;                    // "conv1+relu": the layers in the source
  std::vector<int32_t> nodes;           // of the function's graph, in order; inlined producers included
  int32_t anchor = -1;                  // the node that the template is about; -1: elementwise only
  int32_t pool = -1;                    // the pool whose windows a convolution (the anchor) is computed for; -1: none
  int32_t depthwise = -1;               // the convolution of each channel alone that the anchor, one of a single tap, sums up; -1: none
  int32_t means = -1;                   // the node whose result, a number for each channel, a dense layer (the anchor) reads from a scratch; -1: none
  std::vector<int32_t> row_nodes;       // of rows that are reduced and then computed with: what is kept for a row; empty: another kernel
  int32_t apart_from = -1;              // the earlier kernel (number) that the first node could have joined,
  std::string apart;                    // and why it did not; empty: there is none
  std::vector<ValueId> reads, writes;   // stored values, in the order of the compiled kernel's parameters
  Schedule schedule;
  double multiply_adds = 0;             // for one image
  /// Equal signatures (ops, attributes, types, layouts, schedule, target) are one compiled kernel.
  std::string signature;
  KernelKey key;
  bool from_stanza = false;             // the schedule is the one of a stanza (PlanOptions::stanzas)
  std::string refused;                  // why the stanza for it is not legal; empty: it is, or there is none
};

/// In which layout a convolution, or its gradient towards x, reads its weights: what a layout stanza of a schedule file fixes. It
/// decides the algorithm, and in inference whether the result is made in blocks of channels.
struct WeightsChoice {
  KernelKey key;                        // the convolution, and how x is laid out
  std::string label;                    // its layer in the source
  Schedule weights;                     // "winograd(blocks: 2, outputs: 4)"; see weight_layouts.h
  bool from_stanza = false;
  std::string refused;                  // why the stanza for it is not legal; empty: it is, or there is none
  std::vector<Schedule> legal;          // with PlanOptions::legal_weights: what it could be, the most promising first
};

struct ConstantData {
  TensorType type;
  Numbers numbers;                      // in planar order; a single number fills all of it
};

/// Kernels that so many images pass through before the next ones do. What only they read lies in slots, for these images.
struct Chain {
  size_t first = 0, end = 0;            // kernels: the first one, and the one after the last
  int64_t images = 1;
  int64_t slots = 1;                    // parts of the batch that may be under way at a time
  int64_t offset = 0, slot_bytes = 0;   // in the fixed part of the workspace: kTakenSlotsBytes, then the slots
};
/// Before the slots of a chain: a word that tells, bit by bit, which are taken.
constexpr int64_t kTakenSlotsBytes = 64;
/// The chain that a kernel belongs to; null: it runs for the whole batch.
const Chain* chain_of(const std::vector<Chain>& chains, size_t kernel);
/// Images that a kernel gets in one call.
int64_t images_at_once(const std::vector<Chain>& chains, size_t kernel, int64_t batch);

struct FunctionPlan {
  const Function* function = nullptr;   // the module's function with the copies that layouts and results need: `owned`
  std::shared_ptr<const Function> owned;
  int64_t group = 1;                    // images that a step of the batch loop covers: lanes, or 1
  std::vector<Kernel> kernels;
  std::vector<Chain> chains;            // in order
  std::vector<WeightsChoice> weights_choices;   // of convolutions, in order
  std::vector<Layout> layouts;          // by ValueId
  std::vector<Place> places;            // by ValueId
  std::vector<ConstantData> constants;
  std::vector<Port> columns;            // batched arguments, then batched results that are columns, in order
  std::vector<Port> scalars;
  int64_t workspace_fixed = 0;          // bytes, multiples of 64
  int64_t workspace_per_group = 0;
};

/// Bytes of the stored values that a kernel reads and writes, each once: for an image, and whatever the batch is.
struct KernelTraffic {
  double read_per_image = 0, written_per_image = 0, read_fixed = 0, written_fixed = 0;
};
KernelTraffic kernel_traffic(const FunctionPlan& plan, const Kernel& kernel);

/// Offsets of the parameters in the flat buffers, in elements: multiples of 16, in module order.
struct FlatLayout {
  std::map<std::string, int64_t, std::less<>> offsets;
  int64_t weight_elements = 0, state_elements = 0;
};
FlatLayout flat_layout(const Module& module);

struct PreparedSlot {
  std::string name;
  TensorType type;
  Layout layout;
  int64_t offset = 0;                   // bytes in CNN_PREPARED
};

/// Plans of all functions of a compiled module.
struct ModulePlan {
  const Target* target = nullptr;
  FlatLayout flat;
  std::vector<PreparedSlot> prepared;
  int64_t prepared_bytes = 0;
  std::vector<FunctionPlan> functions;  // same order as module.functions
};

class ScheduleFile;

struct PlanOptions {
  int64_t infer_batch = 1;              // the batch that inference is tuned for
  std::map<std::string, int64_t> train_batch;   // by recipe
  /// Every kernel with the template `plain`: one loop nest an op, no vectors, planar everywhere. What schedules are tested against.
  bool plain = false;
  /// Without algorithms that round more than a sum of products does: no Winograd.
  bool precise = false;
  /// Not 0: layouts, templates and parameters are drawn from this number among the legal ones, as the tests want them.
  uint64_t variation = 0;
  /// Schedules of single kernels and layouts of weights, which win over those that are chosen; null: none. See schedule_file.h.
  const ScheduleFile* stanzas = nullptr;
  /// Whether WeightsChoice::legal is wanted.
  bool legal_weights = false;
};

/// Plans infer, every evaluate, prepare, every gradients and update. Module must outlive the plan.
ModulePlan make_plan(const Module& module, const Target& target, const PlanOptions& options);

/// The text of `--emit=kernels`: layouts, kernels with signatures and schedules, memory.
std::string to_string(const ModulePlan& plan, const Module& module);

}  // namespace cnnc
