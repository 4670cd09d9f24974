// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of networks, and drafts of their plans.
#include "networks.h"

namespace cnnc::test {

FunctionMaker::FunctionMaker(std::string name) {
  function.name = std::move(name);
  module.network = "planned";
}

ValueId FunctionMaker::input(const std::string& name, Dims dims, ElementType element) {
  const ValueId value = function.graph.add_argument({element, true, std::move(dims)});
  function.arguments.push_back({name, Role::Input, value});
  return value;
}

ValueId FunctionMaker::weight(const std::string& name, Dims dims, ElementType element) {
  const TensorType type{element, false, std::move(dims)};
  const ValueId value = function.graph.add_argument(type);
  function.arguments.push_back({name, Role::Weight, value});
  module.parameters.push_back({name, Role::Weight, type, {}, "weight", {}});
  return value;
}

void FunctionMaker::result(ValueId value, Role role) { function.results.push_back({"y" + std::to_string(function.results.size()), role, value}); }

void FunctionMaker::gradient(const std::string& weight, ValueId value) { function.results.push_back({weight, Role::Gradient, value}); }

Module make_module(const PlannedNetwork& network) {
  FunctionMaker maker(network.function);
  network.make(maker);
  maker.module.functions.push_back(std::move(maker.function));
  return std::move(maker.module);
}

Draft make_draft(const Module& module, const PlanContext& context) {
  const std::string& name = module.functions[0].name;
  Purpose purpose = name == "infer" ? Purpose::Inference : name == "t.update" ? Purpose::Update : Purpose::Training;
  if (context.options.plain) purpose = Purpose::Plain;
  Draft draft = choose_layouts(module.functions[0], purpose, context);
  fuse(draft, context);
  set_parameters(draft);
  choose_schedules(draft, context);
  return draft;
}

namespace {

const AttributeMap kSame = {{"pad", Dims{1, 1, 1, 1}}};

AttributeMap with(AttributeMap map, const AttributeMap& more) {
  map.insert(more.begin(), more.end());
  return map;
}

/// One channel of wide rows: planar convolutions, a pool that takes the activation in, dense layers with their epilogues.
void planar(FunctionMaker& m) {
  const ValueId x = m.input("x", {1, 28, 30});
  const ValueId conv = m.build.add("conv", {x, m.weight("a", {6, 1, 5, 5}), m.weight("b", {6})}, {{"pad", Dims{2, 2, 2, 2}}});
  const ValueId pool = m.build.add("maxpool", {m.build.map("max(x0, 0)", {conv})});
  const ValueId second = m.build.add("conv", {pool, m.weight("c", {6, 1, 3, 3})}, {{"groups", int64_t{6}}});
  const ValueId flat = m.build.reshape(second, {6 * 12 * 13});
  const ValueId hidden = m.build.map("tanh(x0)", {m.build.add("dense", {flat, m.weight("d", {40, 6 * 12 * 13}), m.weight("e", {40})})});
  m.result(m.build.add("dense", {hidden, m.weight("f", {7, 40})}));
}

/// Channels in vectors: padded, strided, depthwise and grouped convolutions, a residual sum, pools, a mean, a concat.
void blocks(FunctionMaker& m) {
  const ValueId x = m.input("x", {3, 32, 24});
  const ValueId first = m.build.map("max(x0, 0)", {m.build.add("conv", {x, m.weight("a", {32, 3, 3, 3})}, kSame)});
  const ValueId deep = m.build.add("conv", {first, m.weight("b", {32, 1, 3, 3}), m.weight("g", {32})}, with(kSame, {{"groups", int64_t{32}}}));
  const ValueId sum = m.build.map("max(x0 + x1, 0)", {deep, first});
  const ValueId strided = m.build.add("conv", {sum, m.weight("c", {64, 32, 3, 3})}, with(kSame, {{"stride", Dims{2, 2}}}));
  const ValueId grouped = m.build.add("conv", {strided, m.weight("d", {64, 32, 1, 1})}, {{"groups", int64_t{2}}});
  const ValueId joined = m.build.add("concat", {m.build.add("maxpool", {grouped}), m.build.add("avgpool", {strided})}, {{"axis", int64_t{0}}});
  const ValueId odd = m.build.add("conv", {joined, m.weight("e", {10, 128, 1, 1})});
  const ValueId mean = m.build.map("x0 / 48", {m.build.sum(odd, {1, 2}, false)});
  m.result(m.build.add("dense", {m.build.reshape(mean, {10}), m.weight("f", {10, 10})}));
  m.result(odd);
}

/// The forward pass and all gradients of convolutions: plain, padded, strided and grouped, and of a dense layer.
void training(FunctionMaker& m) {
  const ValueId x = m.input("x", {3, 12, 14}), a = m.weight("a", {8, 3, 3, 3}), b = m.weight("b", {8, 4, 3, 3}), c = m.weight("c", {10, 8 * 5 * 6});
  const AttributeMap grouped = with(kSame, {{"groups", int64_t{2}}, {"stride", Dims{2, 2}}});
  const ValueId first = m.build.add("conv", {x, a}), active = m.build.map("max(x0, 0)", {first});
  const ValueId second = m.build.add("conv", {active, b}, grouped), flat = m.build.reshape(second, {8 * 5 * 6});
  const ValueId y = m.build.add("dense", {flat, c}), dy = m.build.map("x0 - exp(x0)", {y});
  m.gradient("c", m.build.add("dense_grad_weight", {flat, dy}));
  const ValueId d_second = m.build.reshape(m.build.add("dense_grad_input", {dy, c}), {8, 5, 6});
  m.gradient("b", m.build.add("conv_grad_weight", {active, d_second}, with(grouped, {{"kernel", Dims{3, 3}}})));
  const ValueId d_active = m.build.add("conv_grad_input", {d_second, b}, with(grouped, {{"height", int64_t{10}}, {"width", int64_t{12}}}));
  const ValueId d_first = m.build.map("select(0 < x1, x0, 0)", {d_active, first});
  m.gradient("a", m.build.add("conv_grad_weight", {x, d_first}, {{"kernel", Dims{3, 3}}}));
  m.weight("total", {1});
  m.gradient("total", m.build.sum(y, {0}, true));
}

/// Gradients without a border and with padding at stride 1; pools and their gradients; sums over the batch.
void training_pools(FunctionMaker& m) {
  const ValueId x = m.input("x", {4, 9, 7}), a = m.weight("a", {6, 4, 3, 3}), bias = m.weight("bias", {6});
  const ValueId y = m.build.add("conv", {x, a, bias}, kSame);
  const auto pooled = m.build.add_all("maxpool", {m.build.map("x0 * sigmoid(x0)", {y})});
  const ValueId mean = m.build.add("avgpool", {pooled[0]});
  const ValueId d_pooled = m.build.add("avgpool_grad", {m.build.map("x0 * x0", {mean})}, {{"height", int64_t{4}}, {"width", int64_t{3}}});
  const ValueId d_active = m.build.add("maxpool_grad", {pooled[1], d_pooled}, {{"height", int64_t{9}}, {"width", int64_t{7}}});
  const ValueId dy = m.build.map("x0 * (1 - tanh(x1))", {d_active, y});
  m.gradient("a", m.build.add("conv_grad_weight", {x, dy}, with(kSame, {{"kernel", Dims{3, 3}}})));
  m.gradient("bias", m.build.reshape(m.build.sum(dy, {1, 2}, true), {6}));
  m.result(m.build.add("conv_grad_input", {dy, a}, with(kSame, {{"height", int64_t{9}}, {"width", int64_t{7}}})));
}

/// So many channels and columns that copies of bands and tiles reach the largest scratch.
void large(FunctionMaker& m) {
  const ValueId x = m.input("x", {24, 20, 36}), a = m.weight("a", {32, 24, 3, 3}), z = m.input("z", {400}), d = m.input("d", {256});
  const ValueId y = m.build.add("conv", {x, a}, kSame);
  m.gradient("a", m.build.add("conv_grad_weight", {x, m.build.map("exp(x0)", {y})}, with(kSame, {{"kernel", Dims{3, 3}}})));
  m.weight("b", {256, 400});
  m.gradient("b", m.build.add("dense_grad_weight", {z, d}));
  m.result(m.build.add("conv_grad_input", {y, a}, with(kSame, {{"height", int64_t{20}}, {"width", int64_t{36}}})));
}

/// Weight gradients of many channels: what a tile keeps of them reaches the largest scratch.
void many_channels(FunctionMaker& m) {
  const ValueId x = m.input("x", {128, 6, 5}), dy = m.input("dy", {64, 4, 3}), z = m.input("z", {1500}), d = m.input("d", {1200});
  m.weight("a", {64, 128, 3, 3});
  m.gradient("a", m.build.add("conv_grad_weight", {x, dy}, {{"kernel", Dims{3, 3}}}));
  m.weight("b", {1200, 1500});
  m.gradient("b", m.build.add("dense_grad_weight", {z, d}));
  m.weight("c", {9, 20});
  m.gradient("c", m.build.add("dense_grad_weight", {m.input("e", {20}), m.input("f", {9})}));
}

/// A block that weighs channels by their means: vectors of channels as images of one pixel, as vectors, and read by all pixels.
void weighed_channels(FunctionMaker& m) {
  const ValueId x = m.input("x", {16, 10, 9});
  const ValueId y = m.build.add("conv", {x, m.weight("a", {32, 16, 3, 3})}, kSame);
  const ValueId mean = m.build.map("x0 / 90", {m.build.sum(y, {1, 2}, false)});
  const ValueId weights = m.build.map("sigmoid(x0)", {m.build.add("conv", {mean, m.weight("b", {32, 32, 1, 1})})});
  const ValueId weighed = m.build.map("x0 * x1 + x2", {y, weights, y});
  const ValueId means = m.build.sum(m.build.map("x0 * x1", {weighed, m.build.map("tanh(x0)", {weights})}), {1, 2}, false);
  const ValueId spread = m.build.add("broadcast", {mean}, {{"dims", Dims{32, 10, 9}}, {"batched", true}});
  m.result(m.build.map("x0 - exp(x1)", {y, spread}));
  const ValueId lines = m.build.sum(weighed, {0}, false);
  m.result(m.build.add("dense", {m.build.reshape(means, {32}), m.weight("c", {5, 32})}));
  m.result(m.build.reshape(m.build.map("x0 - 1", {weighed}), {32 * 90}));
  m.result(m.build.map("x0 * x1", {lines, m.build.map("exp(x0)", {lines})}));
}

/// Channels that are joined and cut: an image that grows by what is computed from it, halves that go different ways, an argument and a
/// result among what is joined, and channels that fill no vector.
void joined(FunctionMaker& m) {
  const auto join = [&](std::vector<ValueId> values) { return m.build.add("concat", std::move(values), {{"axis", int64_t{0}}}); };
  const auto cut = [&](ValueId value, int64_t begin, int64_t end) { return m.build.add("slice", {value}, {{"axis", int64_t{0}}, {"begin", begin}, {"end", end}}); };
  const ValueId x = m.input("x", {16, 6, 5});
  const ValueId first = m.build.add("conv", {x, m.weight("a", {32, 16, 3, 3})}, kSame);
  m.result(first);
  const ValueId second = m.build.map("max(x0, 0)", {m.build.add("conv", {first, m.weight("b", {16, 32, 3, 3})}, kSame)});
  const ValueId grown = join({first, second});
  const ValueId third = m.build.map("max(x0, 0)", {m.build.add("conv", {grown, m.weight("c", {16, 48, 1, 1})})});
  const ValueId all = join({grown, third, x, third});
  const ValueId left = m.build.map("tanh(x0)", {cut(all, 0, 48)}), right = m.build.add("maxpool", {cut(all, 48, 96)}, {{"kernel", Dims{3, 3}}, {"stride", Dims{1, 1}}, {"pad", Dims{1, 1, 1, 1}}});
  m.result(m.build.add("conv", {m.build.map("x0 * x1", {left, right}), m.weight("d", {20, 48, 1, 1})}));
  m.result(cut(all, 16, 32));
  m.result(join({m.build.sum(cut(all, 3, 10), {1, 2}, false), m.build.sum(right, {1, 2}, false)}));
}

/// Chains: longer than a kernel takes, of formulas at the limit of what is cheap, and such that write over what they read.
void chains(FunctionMaker& m) {
  const ValueId x = m.input("x", {6, 5, 4}), z = m.input("z", {6, 5, 4});
  ValueId value = m.build.map("sin(x0)", {x});
  for (int i = 0; i < 20; ++i) value = m.build.map("tanh(x0) * x1", {value, z});
  m.result(value);
  ValueId before = z;      // each value has two readers, so the kernel computes it
  for (int i = 0; i < 20; ++i) {
    const ValueId next = m.build.map("tanh(x0) - x1", {value, before});
    before = value;
    value = next;
  }
  m.result(value);
  std::string formula = "x0 + 7";
  for (int i = 0; i < 14; ++i) {
    formula = i % 2 == 0 ? "abs(" + formula + " - x1)" : "max(" + formula + ", x1)";
    const ValueId of_formula = m.build.map(formula, {x, z});
    m.result(m.build.map("x0 / x1", {of_formula, m.build.map("cos(x0)", {of_formula})}));
  }
  ValueId flat = m.build.reshape(m.build.map("exp(x0)", {x}), {120});
  for (int i = 0; i < 4; ++i) flat = m.build.reshape(m.build.reshape(m.build.map("tanh(x0 / 3)", {flat}), {12, 10}), {120});
  m.result(m.build.sum(flat, {0}, false));
}

/// What is computed where it is read: numbers that count, broadcasts, constants of one number and of several.
void inlined(FunctionMaker& m) {
  const ValueId x = m.input("x", {4, 3, 8});
  const ValueId mean = m.build.sum(x, {1, 2}, false);
  const ValueId spread = m.build.add("broadcast", {mean}, {{"dims", Dims{4, 3, 8}}, {"batched", true}});
  const ValueId table = m.build.add("constant", {}, {{"dims", Dims{8}}, {"values", Numbers{1, 2, 3, 4, 5, 6, 7, 8}}, {"element", std::string("f32")}});
  const ValueId one = m.build.constant(0.5, ElementType::F32);
  const ValueId centred = m.build.map("x0 - x1", {x, spread});
  m.result(m.build.map("x0 * x1 + x2", {centred, table, one}));
  m.result(m.build.reshape(m.build.map("sqrt(abs(x0))", {m.build.reshape(spread, {96})}), {4, 24}));
  m.result(m.build.map("x0 + x1", {m.build.reshape(m.build.map("exp(x0)", {x}), {12, 8}), table}));
  m.result(m.build.sum(m.build.add("broadcast", {m.build.map("x0 * 2", {mean})}, {{"dims", Dims{4, 3, 8}}, {"batched", true}}), {0}, false));
}

/// Images smaller than a tile, channels in vectors and in lanes; groups with padding.
void small_images(FunctionMaker& m) {
  const ValueId x = m.input("x", {32, 3, 5}), deep = m.weight("a", {32, 1, 3, 3}), full = m.weight("b", {48, 32, 3, 3}), halves = m.weight("c", {32, 16, 3, 3});
  m.result(m.build.add("conv", {x, deep}, with(kSame, {{"groups", int64_t{32}}})));
  m.result(m.build.add("conv", {x, full}, kSame));
  const ValueId y = m.build.add("conv", {x, halves}, with(kSame, {{"groups", int64_t{2}}}));
  m.result(y);
  if (!m.function.name.ends_with(".gradients")) return;
  m.gradient("c", m.build.add("conv_grad_weight", {x, y}, with(kSame, {{"groups", int64_t{2}}, {"kernel", Dims{3, 3}}})));
  m.gradient("a", m.build.add("conv_grad_weight", {x, m.build.map("x0 + 1", {x})}, with(kSame, {{"groups", int64_t{32}}, {"kernel", Dims{3, 3}}})));
}

/// Elementwise nodes of every kind of reader: cheap and dear ones, several readers, other shapes, values that are results too.
void elementwise(FunctionMaker& m) {
  const ValueId x = m.input("x", {5, 6, 7}), z = m.input("z", {5, 6, 7}), w = m.weight("w", {5, 1, 1});
  const ValueId cheap = m.build.map("x0 + 1", {x}), dear = m.build.map("exp(x0)", {z}), scaled = m.build.map("x0 * x1", {cheap, w});
  const ValueId three = m.build.map("x0 * x1 + x2", {x, z, w});
  const ValueId both = m.build.map("x0 / x1", {cheap, dear}), again = m.build.map("tanh(x0) * x1", {cheap, dear});
  const ValueId pool = m.build.add("maxpool", {m.build.map("x0 - 2", {both})}), dear_pool = m.build.add("maxpool", {m.build.map("log(x0)", {again})});
  const ValueId sum = m.build.sum(m.build.map("x0 * x0", {scaled}), {1, 2}, false), dear_sum = m.build.sum(m.build.map("sin(x0)", {three}), {0}, false);
  m.result(m.build.map("x0 + x1", {pool, dear_pool}));
  m.result(m.build.map("x0 * x1 + x2", {sum, dear_sum, three}));
  m.result(scaled);
  m.result(m.build.reshape(m.build.map("x0 + x1", {m.build.map("x0 * 2", {x}), three}), {210}));
  const ValueId weights = m.build.map("sqrt(x0)", {w});
  m.result(m.build.map("x0 - x1", {x, weights}));
  // Of the same dimensions, but one for all images; repeated, but one for each image.
  m.result(m.build.map("x0 + x1", {x, m.build.map("x0 * 3", {m.weight("full", {5, 6, 7})})}));
  m.result(m.build.map("x0 * x1", {z, m.input("s", {5, 1, 1})}));
  if (!m.function.name.ends_with(".gradients")) return;
  m.weight("sums", {1, 6, 7});
  m.gradient("sums", m.build.sum(m.build.map("x0 * x0 + 1", {z}), {0}, true));
}

/// Double precision, fewer elements than a vector, a chain longer than a kernel takes.
void small_doubles(FunctionMaker& m) {
  const ValueId x = m.input("x", {3, 5, 5}, ElementType::F64);
  const ValueId conv = m.build.add("conv", {x, m.weight("w", {9, 3, 2, 2}, ElementType::F64)});
  ValueId value = m.build.reshape(conv, {144});
  for (int i = 0; i < 40; ++i) value = m.build.map("tanh(x0) + x1", {value, m.build.reshape(conv, {144})});
  m.result(m.build.add("dense", {value, m.weight("d", {3, 144}, ElementType::F64)}));
}

/// The first node is read through other dimensions: by what runs over the same elements, and as a constant.
void first_nodes(FunctionMaker& m) {
  const ValueId x = m.input("x", {6, 20});
  const ValueId first = m.build.map("exp(x0)", {x});
  m.result(m.build.map("tanh(x0) + x1", {m.build.reshape(m.build.reshape(first, {120}), {6, 20}), first}));
}
void first_constant(FunctionMaker& m) {
  const ValueId half = m.build.reshape(m.build.constant(0.5, ElementType::F32), {1, 1});
  m.result(m.build.map("x0 + exp(x1)", {m.input("x", {6, 20}), half}));
}

/// An optimizer of more steps than a kernel takes elsewhere.
void long_update(FunctionMaker& m) {
  const ValueId w = m.input("w", {}), g = m.input("g", {});
  ValueId before = g, value = m.build.map("x0 * 0.5 + x1", {g, w});
  for (int i = 0; i < 20; ++i) {
    const ValueId next = m.build.map("tanh(x0) - x1", {value, before});
    before = value;
    value = next;
  }
  m.result(value);
}

void update(FunctionMaker& m) {
  const ValueId w = m.input("w", {}), g = m.input("g", {}), v = m.input("v", {});
  const ValueId rate = m.function.graph.add_argument({ElementType::F32, false, {}});
  m.function.arguments.push_back({"rate", Role::Scalar, rate});
  const ValueId next = m.build.map("0.9 * x0 + x1", {v, g});
  m.result(m.build.map("x0 - x1 * x2", {w, rate, next}));
  m.result(next);
}

}  // namespace

const std::vector<PlannedNetwork>& planned_networks() {
  static const std::vector<PlannedNetwork> networks = {
      {"planar", "infer", planar},
      {"blocks", "infer", blocks},
      {"training", "t.gradients", training},
      {"training of pools", "t.gradients", training_pools},
      {"large", "t.gradients", large},
      {"many channels", "t.gradients", many_channels},
      {"weighed channels", "infer", weighed_channels},
      {"weighed channels, for training", "t.gradients", weighed_channels},
      {"joined", "infer", joined},
      {"joined, for training", "t.gradients", joined},
      {"chains", "infer", chains},
      {"chains, for training", "t.gradients", chains},
      {"inlined", "infer", inlined},
      {"inlined, for training", "t.gradients", inlined},
      {"small images", "infer", small_images},
      {"small images, for training", "t.gradients", small_images},
      {"planar, for training", "t.gradients", planar},
      {"elementwise", "infer", elementwise},
      {"elementwise, for training", "t.gradients", elementwise},
      {"small doubles", "infer", small_doubles},
      {"first nodes", "infer", first_nodes},
      {"first nodes, for training", "t.gradients", first_nodes},
      {"first constant", "infer", first_constant},
      {"update", "t.update", update},
      {"long update", "t.update", long_update},
  };
  return networks;
}

}  // namespace cnnc::test
