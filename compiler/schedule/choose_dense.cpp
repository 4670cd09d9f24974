// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Dense layers and their gradients.
#include "schedule/chooser.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

/// Parallel parts of work that takes so many multiply-adds in vectors: about 4 us each, a fixed number.
int64_t tasks(double vectors, int64_t tiles) {
  constexpr double kVectorsPerTask = 16000;
  return std::clamp<int64_t>(static_cast<int64_t>(vectors / kVectorsPerTask), 1, std::min<int64_t>(tiles, 8));
}

int64_t tile_outputs(int64_t outputs, int64_t most) {
  const int64_t divisor = largest_divisor(outputs, most);
  return 2 * divisor >= std::min(most, outputs) ? divisor : std::min(most, outputs);
}

}  // namespace

Schedule Chooser::dense(const Node& node, const Kernel& kernel, int64_t batch) const {
  const ValueId x = node.operands[0], y = node.results[0];
  const bool backward = node.op->name == "dense_grad_input";
  const int64_t outputs = graph_.type(y).dims[0], inputs = graph_.type(x).dims[0];
  if (is_lanes(x) && is_lanes(y)) {
    const bool wide = registers_ >= 32;
    const int64_t groups = wide ? 4 : 2, tile = tile_outputs(outputs, wide ? 6 : 5), single = tile_outputs(outputs, registers_ / 2);
    const double vectors = static_cast<double>(inputs * outputs) * 4;
    Schedule schedule{backward ? "dense.lanes_grad_input" : "dense.lanes",
                      {{"outputs", tile}, {"single", single}, {"groups", groups}, {"tasks", tasks(vectors, ceil_divide(outputs, std::max(tile, single)))}, {"chunk", 0}}};
    share_inputs(schedule, inputs, std::min(groups, ceil_divide(batch, group_)), vector_bytes(y), outputs, backward);
    return schedule;
  }
  if (backward || !is_planar(x) || !is_planar(y)) return elementwise(kernel);
  if (layout(node.operands[1]).kind == LayoutKind::Packed) return dense_packed(node, graph_.type(y).batched && kernel.means < 0 ? batch : 1);
  const int64_t vector = std::min(lanes_of(y), power_of_two_below(inputs));
  // Weights that are read once serve all images of a tile.
  const int64_t images = graph_.type(y).batched && kernel.means < 0 ? std::min<int64_t>(batch, registers_ >= 32 ? 4 : 2) : 1;
  const int64_t rows = tile_outputs(outputs, images > 1 ? 6 : 8);
  // Where images feed the threads, outputs need not.
  constexpr int64_t kManyTiles = 4;
  const double vectors = static_cast<double>(inputs * outputs) / static_cast<double>(vector);
  const int64_t parts = batch >= kManyTiles * images ? 1 : tasks(vectors, ceil_divide(outputs, rows));
  Schedule schedule{"dense.vector", {{"vector", vector}, {"rows", rows}, {"images", images}, {"tasks", parts}, {"group", 1}, {"chunk", 0}}};
  if (images > 1) share_weights(schedule, graph_.type(y), inputs / vector, batch);
  return schedule;
}

Schedule Chooser::dense_packed(const Node& node, int64_t batch) const {
  constexpr int64_t kMostUnrolled = 4, kLongestSum = 512, kShortest = 64;
  const int64_t blocks = layout(node.operands[1]).tile[1], inputs = graph_.type(node.operands[0]).dims[0];
  const int64_t divisor = largest_divisor(inputs, kLongestSum), chunk = divisor >= kShortest ? divisor : inputs;
  return {"dense.packed", {{"images", packed_images(blocks, batch, registers_).images}, {"blocks", blocks}, {"chunk", chunk},
                           {"unroll", largest_divisor(chunk, kMostUnrolled)}}};
}

void Chooser::share_inputs(Schedule& schedule, int64_t inputs, int64_t groups, int64_t vector_bytes, int64_t outputs, bool backward) const {
  constexpr int64_t kChunkBytes = 16 << 10, kLongEnough = 16, kManyRows = 256, kFewTasks = 4, kMostTasks = 64;
  const int64_t chunk = largest_divisor(inputs, kChunkBytes / (groups * vector_bytes));
  const bool is_large = 2 * groups * inputs * vector_bytes > target_.level2_bytes || (backward && inputs >= kManyRows);
  if (!is_large || groups == 1 || chunk < kLongEnough) return;
  // Of a layer forward each output of a task is a row of weights, and a processor follows so many streams.
  constexpr int64_t kStreams = 12;
  auto& p = schedule.parameters;
  // Sums, the vectors of the groups and one number of the weights fill the registers.
  const int64_t tile = tile_outputs(outputs, (registers_ - 1 - groups) / groups);
  int64_t tasks = backward ? std::min(kFewTasks, p["tasks"]) : std::clamp<int64_t>(ceil_divide(outputs, kStreams), std::min(kFewTasks, p["tasks"]), kMostTasks);
  while (DenseGroup{tile, tasks, groups}.bytes(outputs, vector_bytes) > kLargestScratchBytes) tasks *= 2;
  if (tasks > kMostTasks) return;
  p["groups"] = groups, p["outputs"] = tile, p["chunk"] = chunk, p["tasks"] = tasks;
}

void Chooser::share_weights(Schedule& schedule, const TensorType& y, int64_t input_vectors, int64_t batch) const {
  constexpr int64_t kFirstLevelBytes = 24 << 10, kFewestTasks = 4;
  auto p = schedule.parameters;
  p["tasks"] = std::max(p["tasks"], std::min(kFewestTasks, ceil_divide(y.dims[0], p["rows"])));
  const int64_t outputs = y.dims[0], vector_bytes = p["vector"] * element_bytes(y.element), images = p["images"];
  const int64_t chunk = largest_divisor(input_vectors, kFirstLevelBytes / (vector_bytes * (p["rows"] + images)));
  const int64_t group = largest_divisor(ceil_divide(batch, images), batch, [&](int64_t tiles) {
    return DenseGroup{p["rows"], p["tasks"], tiles * images}.bytes(outputs, vector_bytes) <= kLargestScratchBytes;
  }) * images;
  constexpr int64_t kLongEnough = 8;
  if (outputs * input_vectors * vector_bytes <= target_.level2_bytes || group == images || chunk < kLongEnough) return;
  p["group"] = group, p["chunk"] = chunk;
  schedule.parameters = std::move(p);
}

Schedule Chooser::dense_grad_weight(const Node& node, int64_t batch) const {
  const ValueId weight = node.results[0];
  const Dims& dims = graph_.type(weight).dims;
  const int64_t vector = std::min(lanes_of(weight), power_of_two_below(dims[1]));
  constexpr int64_t kMostGroups = 4;
  // Few vectors mask dy once more, many leave few registers for outputs.
  const int64_t many = registers_ >= 32 ? 4 : 2, all = std::max<int64_t>(dims[1] / vector, 1);
  const bool one_more = useful_share(dims[1], (many + 1) * vector) > useful_share(dims[1], many * vector);
  const int64_t vectors = std::min(all, one_more ? many + 1 : many);
  const int64_t outputs = tile_outputs(dims[0], registers_ >= 32 ? (one_more ? 5 : 6) : (one_more ? 4 : 5));
  const int64_t tile = vector * vectors, row_bytes = tile * element_bytes(graph_.type(weight).element);
  // dy is copied once for each strip of tiles, x once for each block. Their sums lie in the second-level cache; the strips keep a few
  // threads busy. Strips of 64 to 80 inputs were the fastest measured.
  constexpr int64_t kStripInputs = 80, kFewestStrips = 4;
  const int64_t sums_bytes = std::clamp<int64_t>(target_.level2_bytes / 16, 64 << 10, kLargestScratchBytes), most_tiles = std::max<int64_t>(1, kStripInputs / tile);
  const int64_t most_outputs = std::max<int64_t>(1, sums_bytes / (row_bytes * most_tiles) / outputs), tiles_of_outputs = ceil_divide(dims[0], outputs);
  const int64_t block = std::min(dims[0], ceil_divide(tiles_of_outputs, ceil_divide(tiles_of_outputs, most_outputs)) * outputs);
  const int64_t tiles = largest_divisor(ceil_divide(dims[1], tile), std::min({most_tiles, dims[1] / tile / kFewestStrips, sums_bytes / (row_bytes * block)}));
  return {"dense.lanes_grad_weight", {{"vector", vector}, {"vectors", vectors}, {"outputs", outputs}, {"tiles", tiles}, {"block", block}, {"chunk", std::min(kMostGroups, ceil_divide(batch, group_))}}};
}

}  // namespace cnnc
