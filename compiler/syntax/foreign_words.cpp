// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of words from elsewhere.
#include "syntax/foreign_words.h"

#include <fmt/format.h>

#include <array>

namespace cnnc {
namespace {

struct Entry {
  std::string_view word;
  std::string_view text;
};

template <size_t N>
std::optional<std::string_view> look_up(const std::array<Entry, N>& table, std::string_view word) {
  for (const Entry& entry : table) {
    if (entry.word == word) return entry.text;
  }
  return std::nullopt;
}

constexpr std::string_view kBlockHelp = "a reusable part is `block name(x, …) { … }`, a network `network name(image: [1, 28, 28]) { … }`";
constexpr std::string_view kLoopHelp = "`x -> repeat(n) layer` passes a value n times through a layer; `repeat(i < n)` counts, `repeat(a, b in table)` takes rows";
constexpr std::string_view kBindHelp = "a name gets its value with `name = value`, without a word before it";

constexpr std::array<Entry, 21> kStatements{{
    {"def", kBlockHelp},
    {"func", kBlockHelp},
    {"function", kBlockHelp},
    {"fn", kBlockHelp},
    {"fun", kBlockHelp},
    {"class", "a network is `network name(image: [1, 28, 28]) { … }`; its weights belong to its layers and are not declared"},
    {"for", kLoopHelp},
    {"while", kLoopHelp},
    {"foreach", kLoopHelp},
    {"let", kBindHelp},
    {"var", kBindHelp},
    {"val", kBindHelp},
    {"auto", kBindHelp},
    {"from", "another file is brought in with `import \"blocks.cnn\"`"},
    {"include", "another file is brought in with `import \"blocks.cnn\"`"},
    {"print", "a network prints nothing; `cnnc summary` shows shapes and sizes"},
    {"pass", "a body has a value; `{ x }` hands `x` on unchanged"},
    {"with", "there are no contexts: what a layer needs are its arguments"},
    {"try", "there are no exceptions"},
    {"switch", "a choice is `if a { … } else if b { … } else { … }`"},
    {"elif", "write `else if`"},
}};

constexpr std::array<Entry, 5> kValues{{
    {"None", "leave an argument out to get its default; `identity` is the layer that does nothing"},
    {"null", "leave an argument out to get its default; `identity` is the layer that does nothing"},
    {"True", "write `true`"},
    {"False", "write `false`"},
    {"self", "layers belong to the place where they are used: write `x -> conv(8)`; `share(name) conv(8)` uses one again"},
}};

constexpr std::array<std::string_view, 12> kModules{"nn", "torch", "F", "tf", "keras", "layers", "np", "numpy", "jnp", "jax", "optim", "functional"};

constexpr std::array<Entry, 54> kLayers{{
    {"Conv2d", "conv"},
    {"Conv2D", "conv"},
    {"conv2d", "conv"},
    {"Linear", "dense"},
    {"linear", "dense"},
    {"fc", "dense"},
    {"fully_connected", "dense"},
    {"swish", "silu"},
    {"SiLU", "silu"},
    {"Hardswish", "hard_swish"},
    {"hardswish", "hard_swish"},
    {"Dense", "dense"},
    {"BatchNorm2d", "batchnorm"},
    {"BatchNorm1d", "batchnorm"},
    {"BatchNormalization", "batchnorm"},
    {"batch_norm", "batchnorm"},
    {"MaxPool2d", "maxpool"},
    {"MaxPooling2D", "maxpool"},
    {"max_pool2d", "maxpool"},
    {"AvgPool2d", "avgpool"},
    {"AveragePooling2D", "avgpool"},
    {"avg_pool2d", "avgpool"},
    {"AdaptiveAvgPool2d", "global_avgpool"},
    {"adaptive_avg_pool2d", "global_avgpool"},
    {"GlobalAveragePooling2D", "global_avgpool"},
    {"ReLU", "relu"},
    {"Relu", "relu"},
    {"ReLU6", "relu6"},
    {"LeakyReLU", "leaky_relu"},
    {"Sigmoid", "sigmoid"},
    {"Tanh", "tanh"},
    {"Softmax", "softmax"},
    {"Flatten", "flatten"},
    {"Dropout", "dropout"},
    {"Dropout2d", "dropout"},
    {"Identity", "identity"},
    {"Concatenate", "concat"},
    {"cat", "concat"},
    {"Add", "add"},
    {"CrossEntropyLoss", "cross_entropy"},
    {"MSELoss", "mse"},
    {"mse_loss", "mse"},
    {"SGD", "sgd"},
    {"Adam", "adam"},
    {"AdamW", "adamw"},
    {"relu", "relu"},
    {"leaky_relu", "leaky_relu"},
    {"sigmoid", "sigmoid"},
    {"tanh", "tanh"},
    {"softmax", "softmax"},
    {"flatten", "flatten"},
    {"dropout", "dropout"},
    {"cross_entropy", "cross_entropy"},
    {"sqrt", "sqrt"},
}};

constexpr std::string_view kGroupNorm = "there is no normalisation over parts of an image yet; the nearest is `batchnorm`, over the batch";
constexpr std::string_view kRecurrent = "there are no recurrent layers yet; a fixed number of steps is `repeat(n)` of a block whose layers are shared: `share(cell) dense(64)`";
constexpr std::string_view kAttention = "there is no attention yet";
constexpr std::string_view kUpsample = "nothing makes pictures larger yet";
constexpr std::string_view kAxes = "axes cannot be exchanged yet; `reshape([…])` gives the same elements other dimensions";

// Looked up in small letters without underscores.
constexpr std::array<Entry, 48> kMissingLayers{{
    {"view", "the nearest is `flatten`, or `reshape([64, 7, 7])`; the batch is not written"},
    {"squeeze", "dimensions are set with `reshape([…])`; `flatten` makes one vector"},
    {"unsqueeze", "dimensions are set with `reshape([…])`"},
    {"ravel", "the nearest is `flatten`"},
    {"unflatten", "the nearest is `reshape([64, 7, 7])`"},
    {"permute", kAxes},
    {"swapaxes", kAxes},
    {"groupnorm", kGroupNorm},
    {"layernorm", kGroupNorm},
    {"layernormalization", kGroupNorm},
    {"instancenorm", kGroupNorm},
    {"instancenorm2d", kGroupNorm},
    {"groupnormalization", kGroupNorm},
    {"rmsnorm", kGroupNorm},
    {"localresponsenorm", kGroupNorm},
    {"lstm", kRecurrent},
    {"gru", kRecurrent},
    {"rnn", kRecurrent},
    {"attention", kAttention},
    {"multiheadattention", kAttention},
    {"selfattention", kAttention},
    {"transformer", kAttention},
    {"embedding", "there are no tables of vectors yet; inputs are numbers"},
    {"upsample", kUpsample},
    {"interpolate", kUpsample},
    {"upsampling2d", kUpsample},
    {"pixelshuffle", kUpsample},
    {"convtranspose", "there is no transposed convolution yet; nothing makes pictures larger"},
    {"convtranspose2d", "there is no transposed convolution yet; nothing makes pictures larger"},
    {"conv2dtranspose", "there is no transposed convolution yet; nothing makes pictures larger"},
    {"deconv", "there is no transposed convolution yet; nothing makes pictures larger"},
    {"conv1d", "a sequence is a picture of one row: `x -> conv(8, kernel: [1, 3])` on [channels, 1, length]"},
    {"conv3d", "there are no convolutions in three dimensions yet"},
    {"depthwiseconv", "it is `conv(channels(x), kernel: 3, groups: channels(x))`; `import blocks` has `separable`"},
    {"depthwiseconv2d", "it is `conv(channels(x), kernel: 3, groups: channels(x))`; `import blocks` has `separable`"},
    {"separableconv2d", "`import blocks` has `separable(filters)`"},
    {"adaptivemaxpool2d", "the nearest are `global_avgpool` and `maxpool`"},
    {"globalmaxpool", "the nearest is `maxpool([height(x), width(x)])`"},
    {"lppool2d", "the nearest is `avgpool`"},
    {"prelu", "its slope cannot be learned yet; the nearest is `leaky_relu`"},
    {"rrelu", "the nearest is `leaky_relu`"},
    {"celu", "the nearest is `elu`"},
    {"glu", "write it out: `half = split(x, 2)`, then `half[0] * sigmoid(half[1])`"},
    {"hardtanh", "write `min(max(x, -1), 1)`"},
    {"softsign", "write `x / (1 + abs(x))`"},
    {"clamp", "write `min(max(x, low), high)`"},
    {"zeropad2d", "padding is an argument of the layer behind it: `conv(8, kernel: 3, pad: [1, 2, 3, 4])`"},
    {"stack", "the nearest is `concat`, along an axis that is there"},
}};

}  // namespace

std::optional<ForeignWord> foreign_statement(std::string_view word) {
  const auto help = look_up(kStatements, word);
  return help ? std::optional(ForeignWord{std::string(*help)}) : std::nullopt;
}

std::optional<ForeignWord> foreign_value(std::string_view word) {
  // `self` alone is reported with its member.
  if (word == "self") return std::nullopt;
  const auto help = look_up(kValues, word);
  return help ? std::optional(ForeignWord{std::string(*help)}) : std::nullopt;
}

std::optional<ForeignWord> foreign_member(std::string_view module, std::string_view member) {
  if (module == "self") return ForeignWord{std::string(*look_up(kValues, "self"))};
  bool is_module = false;
  for (const std::string_view name : kModules) is_module = is_module || name == module;
  if (!is_module) return std::nullopt;
  if (member == "Sequential") return ForeignWord{"layers follow each other with `->`: `image -> conv(6, kernel: 5) -> relu -> maxpool(2)`"};
  if (member == "Module") return ForeignWord{"a network is `network name(image: [1, 28, 28]) { … }`"};
  if (const std::optional<std::string> layer = familiar_layer(member)) {
    return ForeignWord{fmt::format("the layer is called `{0}`: `x -> {0}{1}`", *layer, *layer == "conv" ? "(6, kernel: 5)" : *layer == "dense" ? "(10)" : "")};
  }
  // A record may well be called `F`, so an unknown member of it is left to the later phases.
  if (module == "F" || module == "layers" || module == "functional") return std::nullopt;
  if (const std::optional<std::string> help = nearest_to_missing_layer(member)) return ForeignWord{*help};
  return ForeignWord{"layers and functions have plain names; `cnnc ops` lists them"};
}

std::optional<std::string> nearest_to_missing_layer(std::string_view name) {
  std::string simple;
  for (const char c : name)
    if (c != '_') simple += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const auto help = look_up(kMissingLayers, simple);
  return help ? std::optional<std::string>(*help) : std::nullopt;
}

std::optional<std::string> familiar_layer(std::string_view name) {
  const auto layer = look_up(kLayers, name);
  return layer ? std::optional<std::string>(*layer) : std::nullopt;
}

}  // namespace cnnc
