// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Proposals from the table of layers, one statement after the other; what sema or the evaluator refuses is drawn again.
#include "test/random/generate.h"

#include <fmt/format.h>

#include <functional>
#include <span>

#include "ir/layer.h"
#include "support/check.h"
#include "test/random/data.h"
#include "test/random/random.h"
#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

struct Limits {
  double multiply_adds = 0;           // of one image
  int64_t elements = 0;               // of a tensor, for one image
};
Limits limits_of(Size size) { return size == Size::Small ? Limits{8000, 1000} : Limits{400000, 20000}; }

bool within(const Module& module, const Limits& limits) {
  const Function& network = *module.find("network");
  double work = 0;
  for (const Node& node : network.graph.nodes()) {
    std::vector<TensorType> types;
    for (const ValueId operand : node.operands) types.push_back(operand.valid() ? network.graph.type(operand) : absent_type());
    if (node.op->multiply_adds) work += node.op->multiply_adds(node.attributes, types);
    for (const ValueId result : node.results)
      if (element_count(network.graph.type(result).dims) > limits.elements) return false;
  }
  return work <= limits.multiply_adds;
}

/// What single precision can tell: 4 units of rounding.
constexpr double kSharpUnit = 4 * 0x1p-24;
constexpr double kLargest = 1e4;

double largest_of(const Tensor& tensor) {
  double largest = 0;
  for (const Bounded& element : tensor.at) largest = std::max(largest, std::abs(element.value));
  return largest;
}

/// How many elements have a bound beyond `allowed`.
size_t count_wide(const Tensor& tensor, double allowed) {
  size_t wide = 0;
  for (const Bounded& element : tensor.at) wide += !(kSharpUnit * element.error <= allowed);
  return wide;
}

/// Finite, and at most a tenth of the bounds beyond 1 % of the largest element; or narrow beside `scale` where all cancels out,
/// as in the gradient of a bias before batchnorm.
bool tensor_is_sharp(const Tensor& tensor, double scale) {
  for (const Bounded& element : tensor.at)
    if (!(std::abs(element.value) <= kLargest)) return false;
  return 10 * count_wide(tensor, 1e-2 * largest_of(tensor)) <= tensor.at.size() || count_wide(tensor, 1e-3 * scale) == 0;
}

// ---- argument texts

std::string draw_integer(Random& random, const ArgumentDef& def, const Dims& input) {
  std::vector<int64_t> pool = {1, 2, 3, 4, 5, 7, 8, 13, 16, 17};
  for (const int64_t extent : input) pool.insert(pool.end(), {extent, extent, (extent + 1) / 2, extent * 2});
  int64_t number = random.one_of(pool);
  const int64_t channels = input.empty() ? 1 : input[0];
  if (!def.default_text.empty() && random.one_in(2)) number = channels;      // as many groups, say,
  else if (random.one_in(3)) number = random.below(3);
  else if (random.one_in(2)) number = (1 + random.below(3)) * channels;      // which need multiples of them
  return fmt::format("{}", std::max(number, static_cast<int64_t>(def.minimum.value_or(0))));
}

std::string draw_number(Random& random, const ArgumentDef& def) {
  double number = random.number(-2, 2);
  if (def.minimum && def.maximum) number = random.number(*def.minimum, *def.maximum);
  else if (def.minimum) number = *def.minimum + random.number(0.001, 1);
  if (def.minimum && random.one_in(8)) number = *def.minimum;
  if (def.maximum && random.one_in(8)) number = *def.maximum;
  return fmt::format("{:.3f}", number);
}

std::string draw_size(Random& random) {
  const auto one = [&] { return random.one_of(std::vector<int64_t>{1, 1, 2, 2, 3, 3, 4, 5}); };
  return random.one_in(3) ? fmt::format("[{}, {}]", one(), one()) : fmt::format("{}", one());
}

std::string draw_padding(Random& random) {
  const auto one = [&] { return random.below(4); };
  switch (random.below(5)) {
    case 0: return "valid";
    case 1: return "same";
    case 2: return fmt::format("{}", one());
    case 3: return fmt::format("[{}, {}]", one(), one());
    default: return fmt::format("[{}, {}, {}, {}]", one(), one(), one(), one());
  }
}

/// Rows of numbers, or one row that may be the dimensions of a reshaped value.
std::string draw_table(Random& random, const Dims& input) {
  if (random.one_in(2)) {
    std::vector<int64_t> dims = {element_count(input)};
    for (int64_t cut = random.below(3); cut > 0; --cut)
      for (const int64_t factor : {17, 13, 7, 5, 3, 2})
        if (dims.back() % factor == 0 && !random.one_in(3)) {
          dims.insert(dims.end() - 1, factor);
          dims.back() /= factor;
          break;
        }
    return fmt::format("[{}]", fmt::join(dims, ", "));
  }
  std::vector<std::string> rows;
  const int64_t columns = 1 + random.below(3);
  for (int64_t row = 1 + random.below(3); row > 0; --row) {
    std::vector<std::string> numbers;
    for (int64_t column = 0; column < columns; ++column) numbers.push_back(fmt::format("{:.2f}", random.number(-1, 1)));
    rows.push_back(fmt::format("[{}]", fmt::join(numbers, ", ")));
  }
  return fmt::format("[{}]", fmt::join(rows, ", "));
}

std::string draw_initialiser(Random& random) {
  return random.one_of(std::vector<std::string>{"he_normal", "he_uniform", "xavier_normal", "xavier_uniform", "uniform_fan_in", "zeros",
                                                "ones", "0.25", "uniform(-0.5, 0.5)", "normal(0, 0.1)"});
}

std::string draw_argument(Random& random, const ArgumentDef& def, const Dims& input) {
  switch (def.kind) {
    case ArgumentKind::Integer: return draw_integer(random, def, input);
    case ArgumentKind::Number: return draw_number(random, def);
    case ArgumentKind::Boolean: return random.one_in(2) ? "true" : "false";
    case ArgumentKind::Word: return std::string(random.one_of(def.words));
    case ArgumentKind::Size: return draw_size(random);
    case ArgumentKind::Padding: return draw_padding(random);
    case ArgumentKind::Initialiser: return draw_initialiser(random);
    case ArgumentKind::Table: return draw_table(random, input);
    case ArgumentKind::Tensor:
    case ArgumentKind::Tensors: break;
  }
  CNNC_CHECK(false, "tensors are drawn elsewhere");
}

// ---- statements

const std::vector<std::string> kOperators = {"+", "-", "*", "/", "^", "<"};

struct Known {
  std::string name;
  Dims dims;
  int uses = 0;
};

class Generator {
 public:
  Generator(uint64_t seed, uint64_t attempt, Size size) : random_(seed * 1000 + attempt), limits_(limits_of(size)) {
    for (const LayerDef& layer : all_layers())
      if (layer.kind == LayerKind::Layer || layer.kind == LayerKind::Function) layers_.insert(layers_.end(), weight_of(layer), &layer);
  }

  /// Nothing when the attempt led nowhere.
  std::optional<RandomProgram> run() {
    const std::vector<int64_t> channels = {1, 1, 2, 3, 3, 4, 8, 16, 17}, extents = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13};
    program_.input = random_.one_in(8) ? Dims{random_.one_of(extents) * random_.one_of(channels)}
                                       : Dims{random_.one_of(channels), random_.one_of(extents), random_.one_of(extents)};
    program_.batch = 1 + random_.below(5);
    known_ = {{"image", program_.input, 0}};
    const int64_t wanted = 1 + random_.below(16);      // not all of which the output will need
    for (int tries = 0; tries < 120 && static_cast<int64_t>(program_.statements.size()) < wanted; ++tries) try_statement();
    if (program_.statements.empty()) return {};
    program_ = longest();
    for (int tries = 0; tries < 12; ++tries)
      if (try_recipe()) return program_;
    return {};
  }

  /// Each layer of the table and each operator once.
  std::vector<RandomProgram> run_each_once(bool with_gradients) {
    constexpr size_t kSideBySide = 12;
    std::vector<std::function<Statement()>> draws;
    for (const LayerDef& layer : all_layers())
      if (layer.kind == LayerKind::Layer || layer.kind == LayerKind::Function) draws.push_back([&] { return layer_statement(layer); });
    for (const std::string& op : kOperators) draws.push_back([&] { return operator_statement(op); });
    std::vector<RandomProgram> programs;
    for (size_t begin = 0; begin < draws.size(); begin += kSideBySide)
      programs.push_back(side_by_side(std::span(draws).subspan(begin, std::min(kSideBySide, draws.size() - begin)), with_gradients));
    return programs;
  }

  /// Each loss of the table, on numbers that come one by one out of an image's channels.
  std::vector<RandomProgram> run_each_loss() {
    std::vector<RandomProgram> programs;
    for (const LayerDef& layer : all_layers()) {
      if (layer.kind != LayerKind::Loss) continue;
      program_ = {};
      program_.input = {10, 1, 1};
      const std::string quotient = add_quotient().name;
      const Statement scale{.name = fresh_name(), .callee = "conv", .inputs = {quotient},
                            .arguments = {{"filters", "5", true}, {"kernel", "1", true}, {"groups", "5"}}, .piped = true};
      program_.output = add_call("flatten", {add_if_valid(scale, false).at(0).name}).name;
      bool valid = false;
      for (int tries = 0; tries < 100 && !valid; ++tries) {
        program_.loss = call_of(layer);
        valid = analyse_text(to_text(program_), ElementType::F32).has_value();
      }
      CNNC_CHECK(valid, fmt::format("a hundred draws lead to a loss: {}", layer.name));
      programs.push_back(program_);
    }
    return programs;
  }

 private:
  /// What has windows or sizes has more cases than what works element by element; passes and templates are mostly about what
  /// networks are mostly made of.
  static size_t weight_of(const LayerDef& layer) {
    static constexpr std::string_view kUsual[] = {"batchnorm", "conv", "dense", "maxpool", "relu"};
    bool sized = false;
    for (const ArgumentDef& argument : layer.arguments)
      sized = sized || argument.kind == ArgumentKind::Size || argument.kind == ArgumentKind::Integer;
    const size_t weight = layer.kind == LayerKind::Function ? 2 : sized ? 10 : 4;
    return std::find(std::begin(kUsual), std::end(kUsual), layer.name) == std::end(kUsual) ? weight : weight + 16;
  }

  /// The network that ends in the value which needs the most statements, up to the twelve that are wanted at most.
  RandomProgram longest() const {
    RandomProgram best;
    for (const Known& known : known_) {
      RandomProgram program = program_;
      program.output = known.name;
      program = without_unused(program);
      if (program.statements.size() <= 12 && program.statements.size() >= best.statements.size()) best = std::move(program);
    }
    return best;
  }

  /// Mostly the last value, so that chains grow in which passes and kernels find what they combine; or one that nothing uses yet.
  Known& pick() {
    if (random_.one_in(2)) return known_.back();
    std::vector<Known*> fresh;
    for (Known& known : known_)
      if (known.uses == 0) fresh.push_back(&known);
    if (!fresh.empty() && random_.one_in(2)) return *random_.one_of(fresh);
    return known_[static_cast<size_t>(random_.below(static_cast<int64_t>(known_.size())))];
  }

  /// A second operand: of the same shape if there is one, anything, or a number.
  std::string partner(const Known& first) {
    if (random_.one_in(4)) return fmt::format("{:.2f}", random_.number(0.1, 2));
    std::vector<const Known*> same;
    for (const Known& known : known_)
      if (known.dims == first.dims) same.push_back(&known);
    return random_.one_in(3) ? pick().name : same[static_cast<size_t>(random_.below(static_cast<int64_t>(same.size())))]->name;
  }

  Statement operator_statement(const std::string& op) {
    Statement statement{.name = fresh_name(), .callee = op, .is_operator = true};
    const Known& first = pick();
    if (statement.callee == "-" && random_.one_in(3)) {
      statement.inputs = {first.name};
      return statement;
    }
    statement.inputs = {first.name, partner(first)};
    if (statement.callee == "^" && random_.one_in(2)) statement.inputs[1] = random_.one_in(2) ? "2" : "3";
    if (random_.one_in(6)) std::swap(statement.inputs[0], statement.inputs[1]);
    return statement;
  }

  Statement layer_statement(const LayerDef& layer) {
    Statement statement{.name = fresh_name(), .callee = std::string(layer.name), .piped = layer.kind == LayerKind::Layer};
    const Known& first = pick();
    bool has_first = false;
    for (const ArgumentDef& def : layer.arguments) {
      if (def.kind == ArgumentKind::Tensor) {
        statement.inputs.push_back(has_first ? partner(first) : first.name);
        has_first = true;
      } else if (def.kind == ArgumentKind::Tensors) {
        statement.piped = false;
        statement.inputs.push_back(first.name);
        for (int64_t more = 1 + random_.below(2); more > 0; --more) statement.inputs.push_back(partner(first));
      } else if (def.default_text.empty() || random_.one_in(3)) {
        statement.arguments.push_back({std::string(def.name), draw_argument(random_, def, first.dims), def.default_text.empty()});
      }
    }
    if (layer.name == "split")
      for (const auto& argument : statement.arguments)
        if (argument.name == "parts") statement.parts = std::stoll(argument.text);
    name_for_sharing(statement, layer);
    return statement;
  }

  /// Sometimes gives a call a name, so that later ones can share its weights.
  void name_for_sharing(Statement& statement, const LayerDef& layer) {
    if (layer.kind == LayerKind::Layer && statement.parts == 0 && random_.one_in(3)) statement.shared = "shared_" + statement.name;
  }

  /// Another use of an earlier call's weights, mostly on a value of the same shape; nothing when no call has a name.
  std::optional<Statement> sharing_statement() {
    std::vector<const Statement*> earlier;
    for (const Statement& other : program_.statements)
      if (!other.shared.empty()) earlier.push_back(&other);
    if (earlier.empty()) return {};
    Statement statement = *random_.one_of(earlier);
    statement.name = fresh_name();
    std::vector<std::string> same;
    const Known* before = find_known(statement.inputs[0]);
    for (const Known& known : known_)
      if (before && known.dims == before->dims && &known != before) same.push_back(known.name);
    statement.inputs[0] = same.empty() || random_.one_in(8) ? pick().name : random_.one_of(same);
    return statement;
  }

  const Known* find_known(const std::string& name) const {
    for (const Known& known : known_)
      if (known.name == name) return &known;
    return nullptr;
  }

  Statement draw_statement() {
    if (random_.one_in(4))
      if (auto statement = sharing_statement()) return *statement;
    return random_.one_in(5) ? operator_statement(random_.one_of(kOperators)) : layer_statement(*random_.one_of(layers_));
  }

  /// Adds the statement, and gives its results; nothing is added and given where sema refuses it, it is too much work, or a
  /// result is not a float for each image (`sharp`: where a comparison would see little).
  std::vector<Known> add_if_valid(const Statement& statement, bool sharp) {
    program_.statements.push_back(statement);
    std::vector<Known> results;
    for (const std::string& name : value_names(statement)) {
      program_.output = name;
      const auto module = analyse_text(to_text(program_), ElementType::F32);
      if (!module || !within(*module, limits_) || (sharp && !is_sharp(*module))) break;
      const Function& network = *module->find("network");
      const TensorType& type = network.graph.type(network.results[0].value);
      if (!type.batched || type.element != ElementType::F32) break;
      results.push_back({name, type.dims, 0});
    }
    if (results.size() == value_names(statement).size()) return results;
    program_.statements.pop_back();
    return {};
  }

  void try_statement() {
    const Statement statement = draw_statement();
    const std::vector<Known> results = add_if_valid(statement, true);
    if (results.empty()) return;
    for (const std::string& input : statement.inputs)
      for (Known& known : known_) known.uses += known.name == input;
    known_.insert(known_.end(), results.begin(), results.end());
  }

  /// A call of a layer without drawn arguments, which is valid.
  Known add_call(const std::string& callee, const std::vector<std::string>& inputs) {
    const auto results = add_if_valid({.name = fresh_name(), .callee = callee, .inputs = inputs, .piped = inputs.size() == 1}, false);
    CNNC_CHECK(!results.empty(), fmt::format("`{}` takes such values", callee));
    return results[0];
  }

  Known add_operator(const std::string& op, const std::string& left, const std::string& right) {
    return add_if_valid({.name = fresh_name(), .callee = op, .inputs = {left, right}, .is_operator = true}, false).at(0);
  }

  std::vector<Known> add_halves(const std::string& value) {
    return add_if_valid({.name = fresh_name(), .callee = "split", .inputs = {value}, .arguments = {{"parts", "2", true}}, .piped = true, .parts = 2}, false);
  }

  /// The first half of the image's channels divided by the second: what data may not hold, zeros in it bring about.
  Known add_quotient() {
    const std::vector<Known> halves = add_halves("image");
    return add_operator("/", halves.at(0).name, halves.at(1).name);
  }

  /// The halves of a value, and both flat.
  std::vector<Known> halves_and_flat(const std::string& value) {
    const std::vector<Known> halves = add_halves(value);
    const Known first = add_call("flatten", {halves.at(0).name}), second = add_call("flatten", {halves.at(1).name});
    return {first, second, halves.at(0), halves.at(1)};
  }

  /// The numbers, each with a scale and a bias of its own, as a feature map: gradients of the biases are those of its elements.
  std::string add_scaled(const std::string& numbers) {
    const Statement scale{.name = fresh_name(), .callee = "conv", .inputs = {numbers},
                          .arguments = {{"filters", "180", true}, {"kernel", "1", true}, {"groups", "180"}}, .piped = true};
    const std::string scaled = add_if_valid(scale, false).at(0).name;
    const Statement map{.name = fresh_name(), .callee = "reshape", .inputs = {scaled}, .arguments = {{"shape", "[6, 6, 5]", true}}, .piped = true};
    return add_if_valid(map, false).at(0).name;
  }

  /// The results of all draws, side by side in one output. Each draw gets halves of the quotient, as they are and flat; with gradients
  /// they are scaled, by weights of this draw alone, and the loss is l1.
  RandomProgram side_by_side(std::span<const std::function<Statement()>> draws, bool with_gradients) {
    program_ = {};
    program_.input = with_gradients ? Dims{360, 1, 1} : Dims{12, 6, 5};
    const std::string quotient = add_quotient().name;
    std::vector<Known> parts;
    std::vector<std::string> flat;
    for (const auto& draw : draws) {
      if (with_gradients || parts.empty()) parts = halves_and_flat(with_gradients ? add_scaled(quotient) : quotient);
      known_ = parts;
      std::vector<Known> results;
      for (int tries = 0; tries < 1000 && results.empty(); ++tries) results = add_if_valid(draw(), false);
      CNNC_CHECK(!results.empty(), fmt::format("a thousand draws lead to a call: {}", draw().callee));
      flat.push_back(add_call("flatten", {results.back().name}).name);
    }
    program_.output = add_call("concat", flat).name;
    if (with_gradients) program_.loss = "l1";
    return program_;
  }

  std::string fresh_name() const { return fmt::format("v{}", program_.statements.size() + 1); }

  std::string call_of(const LayerDef& layer) {
    std::vector<std::string> texts;
    for (const ArgumentDef& def : layer.arguments)
      if (def.kind != ArgumentKind::Tensor && random_.one_in(2))
        texts.push_back(fmt::format("{}: {}", def.name, draw_argument(random_, def, program_.input)));
    return texts.empty() ? std::string(layer.name) : fmt::format("{}({})", layer.name, fmt::join(texts, ", "));
  }

  std::string draw_optimizer() {
    const OptimizerDef& optimizer = random_.one_of(all_optimizers());
    std::string text = fmt::format("{}(rate: 0.01", optimizer.name);
    for (const OptimizerDef::Argument& argument : optimizer.arguments) {
      if (!random_.one_in(3)) continue;
      const std::string value = argument.is_boolean ? random_.one_in(2) ? "true" : "false" : fmt::format("{:.3f}", random_.number(0.01, 0.99));
      text += fmt::format(", {}: {}", argument.name, value);
    }
    if (random_.one_in(3)) text += random_.one_in(2) ? ", decay: 0.001" : ", decay: 0.001, no_decay: [bias, norm]";
    return text + ")";
  }

  bool try_recipe() {
    std::vector<const LayerDef*> losses, metrics;
    for (const LayerDef& layer : all_layers()) {
      if (layer.kind == LayerKind::Loss) losses.push_back(&layer);
      if (layer.kind == LayerKind::Metric) metrics.push_back(&layer);
    }
    program_.loss = call_of(*random_.one_of(losses));
    program_.metrics = random_.one_in(2) ? fmt::format("[{}]", random_.one_of(metrics)->name) : "";
    program_.optimizer = draw_optimizer();
    const auto module = analyse_text(to_text(program_), ElementType::F32);
    if (!module) return false;
    for (const Parameter& parameter : module->parameters)
      if (parameter.role == Role::Weight) return is_sharp(*module);
    return false;
  }

  Random random_;
  Limits limits_;
  std::vector<const LayerDef*> layers_;      // a layer stands as often as it is likely
  RandomProgram program_;
  std::vector<Known> known_;
};

}  // namespace

bool is_sharp(const Module& module) {
  const WithRoundingUnit unit(kSharpUnit);
  const int64_t images = batch_of(module);
  for (const Function& function : module.functions) {
    const std::vector<Tensor> arguments = argument_values(module, function, images);
    for (const Mode mode : {Mode::Inference, Mode::Training}) {
      const Reference reference = evaluate(function, arguments, images, mode, {});
      double scale = 0;
      for (const Tensor& gradient : reference.gradients) scale = std::max(scale, largest_of(gradient));
      for (const Tensor& result : reference.results)
        if (!tensor_is_sharp(result, 0)) return false;
      for (const Tensor& gradient : reference.gradients)
        if (!tensor_is_sharp(gradient, scale)) return false;
    }
  }
  return true;
}

RandomProgram generate(uint64_t seed, Size size) {
  for (uint64_t attempt = 0; attempt < 1000; ++attempt)
    if (auto program = Generator(seed, attempt, size).run()) return *program;
  CNNC_CHECK(false, "a thousand attempts lead to a network");
}

std::vector<RandomProgram> generate_each_layer(uint64_t seed) { return Generator(seed, 0, Size::Large).run_each_once(false); }

std::vector<RandomProgram> generate_each_gradient(uint64_t seed) { return Generator(seed, 0, Size::Large).run_each_once(true); }

std::vector<RandomProgram> generate_each_loss(uint64_t seed) { return Generator(seed, 1, Size::Large).run_each_loss(); }

}  // namespace cnnc::random_programs
