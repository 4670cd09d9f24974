// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of templates.
#include "schedule/templates.h"

#include <fmt/format.h>

#include <algorithm>

namespace cnnc {
namespace {

constexpr int64_t kAny = int64_t{1} << 30;
constexpr std::nullopt_t kNoDefault = std::nullopt;

constexpr TemplateParameter kElementwise[] = {{"vector", "elements of a vector", 1, 64, kNoDefault},
                                              {"chunk", "elements of a flat buffer in one task; 0: not a flat buffer", 0, kAny, 0}};
constexpr TemplateParameter kPool[] = {{"vector", "elements of a vector", 1, 64, kNoDefault},
                                       {"columns", "columns computed together", 1, 8},
                                       {"rows", "rows computed together", 1, 8}};
constexpr TemplateParameter kReduce[] = {{"partial", "vectors of partial results", 1, 16}};
constexpr TemplateParameter kSoftmax[] = {{"vector", "elements of a vector", 1, 64, kNoDefault}, {"partial", "vectors of partial results", 1, 16}};
constexpr TemplateParameter kConv[] = {{"columns", "columns of a tile (conv.planar: vectors of columns)", 1, 32},
                                       {"filters", "filters of a tile", 1, 32},
                                       {"lines", "rows of a tile: conv.planar, and before a pool", 1, 8, 1},
                                       {"rows", "rows of a band", 1, kAny},
                                       {"border", "copies of x, 0: none, taps that leave x are left out; 1: of a band, 2: of a tile and channel, 3: of a tile", 0, 3, 0},
                                       {"vector", "conv.planar: columns in a vector", 1, 64, kNoDefault}};
constexpr TemplateParameter kConvDepthwise[] = {{"columns", "columns of a tile", 1, 32}, {"rows", "rows of a tile", 1, 8}};
constexpr TemplateParameter kConvDirect[] = {{"columns", "columns of a tile", 1, 32},
                                             {"rows", "rows of a tile", 1, 8},
                                             {"blocks", "vectors of filters of a tile", 1, 8, kNoDefault},
                                             {"band", "rows whose tiles follow one another for one tile of filters", 1, kAny, kNoDefault},
                                             {"border", "1: bordered copy of a band of a planar x", 0, 1, 0},
                                             {"stream", "1: all channels for a tap, as weights lie in memory; 0: all taps for a block of channels", 0, 1, 0},
                                             {"ahead", "blocks of channels of x that are fetched into the cache ahead of their use; 0: none", 0, 8, 0},
                                             {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvPointwise[] = {{"pixels", "pixels of a tile", 1, 32},
                                                {"blocks", "vectors of filters of a tile", 1, 8, kNoDefault},
                                                {"chunk", "blocks of channels that are summed apart", 1, kAny},
                                                {"band", "rows whose tiles follow one another for one tile of filters", 1, kAny, kNoDefault},
                                                {"ahead", "blocks of channels of x that are fetched into the cache ahead of their use; 0: none", 0, 8, 0},
                                                {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvChunks[] = {{"columns", "columns of a tile", 1, 32},
                                             {"blocks", "vectors of filters of a tile", 1, 8, kNoDefault},
                                             {"chunk", "blocks of channels that are summed apart", 1, kAny},
                                             {"band", "rows whose tiles follow one another for one tile of filters", 1, kAny, kNoDefault},
                                             {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvSeparable[] = {{"columns", "columns of a tile", 1, 32},
                                                {"rows", "rows of a tile", 1, 8},
                                                {"blocks", "vectors of filters of a tile", 1, 8, kNoDefault},
                                                {"band", "rows that are convolved channel by channel before they are summed up", 1, kAny},
                                                {"across", "columns of a channel that are computed together", 1, 32},
                                                {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvWinograd[] = {{"columns", "tiles side by side in a register tile", 1, 32},
                                               {"rows", "tiles below each other in it", 1, 32},
                                               {"images", "images in it", 1, 32},
                                               {"blocks", "vectors of filters in it", 1, 8, kNoDefault},
                                               {"across", "tiles side by side that are transformed together", 1, kAny},
                                               {"band", "tiles below each other that are", 1, kAny},
                                               {"group", "images that are", 1, 256},
                                               {"chunk", "blocks of channels whose weights serve all register tiles before the next ones; 0: all", 0, kAny, 0},
                                               {"parts", "parts of the filters that threads share, after the transform of a block of tiles, which they share too; 1: they share blocks of tiles", 1, 64},
                                               {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvLanesWinograd[] = {{"columns", "tiles side by side in a register tile", 1, 32},
                                                    {"rows", "tiles below each other in it", 1, 32},
                                                    {"blocks", "filters in it", 1, 8, kNoDefault},
                                                    {"across", "tiles side by side that are transformed together", 1, kAny},
                                                    {"band", "tiles below each other that are", 1, kAny},
                                                    {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvWinogradWeight[] = {{"outputs", "m: elements of dy along a side of a tile, 2 or 4", 2, 4, kNoDefault},
                                                     {"filters", "filters of a register tile", 1, 16},
                                                     {"vectors", "vectors of channels of it", 1, 8},
                                                     {"filter_block", "filters whose sums lie in cache together", 1, kAny},
                                                     {"vector_block", "vectors of channels whose sums do", 1, kAny},
                                                     {"across", "tiles side by side that are transformed together", 1, kAny},
                                                     {"band", "tiles below each other that are", 1, kAny},
                                                     {"groups", "groups of images that are", 1, 16}};
constexpr TemplateParameter kConvInput[] = {{"columns", "columns of a tile", 1, 32},
                                            {"channels", "channels of a tile", 1, 32},
                                            {"rows", "rows of a band", 1, kAny}};
constexpr TemplateParameter kConvWeight[] = {{"filters", "filters of a tile", 1, 32},
                                             {"channels", "channels of a tile", 1, 32},
                                             {"tiles", "tiles of filters whose lane vectors lie in cache together", 1, kAny},
                                             {"block", "channels whose lane vectors do", 1, kAny},
                                             {"rows", "rows of a strip", 1, kAny},
                                             {"unroll", "columns written out", 1, 8},
                                             {"border", "1: bordered copy of a strip of x", 0, 1, 0}};
constexpr TemplateParameter kDense[] = {{"outputs", "outputs of a tile of several groups", 1, 32},
                                        {"single", "outputs of a tile of one group", 1, 32},
                                        {"groups", "groups taken together", 1, 8},
                                        {"tasks", "parallel parts of the outputs", 1, 64},
                                        {"chunk", "inputs that all tiles of a task add before the next ones; 0: all, and no sums in memory", 0, kAny, 0}};
constexpr TemplateParameter kDenseWeight[] = {{"vector", "inputs of a vector", 1, 64, kNoDefault},
                                              {"vectors", "vectors of a tile", 1, 8},
                                              {"outputs", "outputs of a tile", 1, 16},
                                              {"tiles", "tiles of inputs whose sums lie in cache together", 1, 64},
                                              {"block", "outputs whose sums lie in cache together", 1, kAny, kNoDefault},
                                              {"chunk", "groups of images taken together", 1, 16}};
constexpr TemplateParameter kDensePacked[] = {{"images", "images of a tile", 1, 32},
                                              {"blocks", "vectors of outputs of a tile", 1, 8, kNoDefault},
                                              {"chunk", "inputs that are summed apart", 1, kAny, kNoDefault},
                                              {"unroll", "inputs written out", 1, 16}};
constexpr TemplateParameter kDenseVector[] = {{"vector", "inputs of a vector", 1, 64, kNoDefault},
                                              {"rows", "outputs of a tile", 1, 16},
                                              {"images", "images of a tile", 1, 8},
                                              {"tasks", "parallel parts of the outputs", 1, 64},
                                              {"group", "images whose sums lie in memory", 1, 256},
                                              {"chunk", "vectors of inputs that all tiles of the group add before the next ones; 0: all, and no sums in memory", 0, kAny, 0}};

constexpr Template kTemplates[] = {
    {"conv.chunks", "convolution, channels in vectors, summed over a few blocks of channels at a time", kConvChunks,
     "Inference, x and y in blocks of channels, weights packed, no groups. Better than `conv.direct` where the weights of a tile of filters do not stay in the second-level cache "
     "from one tile of pixels to the next: many channels, small maps, few registers.",
     "A register tile of columns by vectors of filters is summed over the taps and the channels of a chunk: load the weights of the tile, broadcast one number of each pixel, "
     "multiply-add. The sums are added to those of the chunks before, in a cache. The tiles of a band follow one another, then the next chunk: its weights and its part of x stay in the first-level cache.",
     "`blocks` is that of the packed weights. `columns` x `blocks` sums, `blocks` vectors and 1 more are at most the target's registers. `band` divides the rows of y, `chunk` the blocks of "
     "channels, which are whole, and `unroll` the channels of a block. The sums of a band take at most 256 KB. No pool is fused."},
    {"conv.depthwise", "convolution with a filter for each channel, channels in vectors", kConvDepthwise,
     "Inference, x and y in blocks of channels, as many groups as channels. Large maps are bound by memory.",
     "A vector of channels at a time. For the pixels of a tile the taps are written out as one sum; neighbouring pixels share what they read.",
     "A tile is no larger than y, and its pixels and 2 vectors more are at most the target's registers."},
    {"conv.direct", "convolution, channels of y in vectors; x in blocks of channels or planar", kConvDirect,
     "Inference, y in blocks of channels, weights packed. The best choice from about 16 filters on; of few channels x stays planar.",
     "A register tile of pixels by vectors of filters is summed over channels and taps: load the weights of the tile, and for each of its pixels "
     "broadcast one number of x and multiply-add it to each vector of filters. The tiles of a band follow one another before the next filters. A pool whose windows tile y takes them from the sums in registers.",
     "`blocks` is that of the packed weights. `columns` x `rows` x `blocks` sums, `blocks` vectors and 1 more are at most the target's registers. A "
     "tile is no larger than y, a band holds at least a tile's rows. `border` is 1 where taps leave a planar x, else 0; a copied band is at most 256 KB. "
     "`unroll` divides the channels of a block (of a planar x: all of them, and `stream` and `ahead` are 0). Before a pool tiles and bands are whole windows."},
    {"conv.lanes", "convolution, or its gradient towards x at stride 1, images innermost", kConv,
     "Training, x and y in lanes; the gradient is the convolution of dy with mirrored filters. Good for any number of channels, best for few or odd ones.",
     "A register tile of columns by filters is summed over channels and taps: load a vector of images for each column, broadcast one weight for "
     "each filter, multiply-add. Weights stay in the order in which files have them; those of a gradient may be packed, and fix `filters`. A pool whose windows tile y takes them from the sums in registers.",
     "`vector` is that of the layout. `lines` is 1, before a pool the height of its windows, whose width divides `columns`. `columns` x `lines` x `filters` sums, `columns` x `lines` vectors and 1 more are at most the target's registers. `filters` divides the filters of a "
     "group, `rows` the rows of y. `border` is 0 or 3 where no tap leaves the image; else 1 to 3, or in lanes 0 with `columns` of a whole row and no pool; a copied band is at most 768 KB, a tile 1024 KB (of a planar x both 256)."},
    {"conv.lanes_grad_input", "the gradient of a convolution towards x, images innermost", kConvInput,
     "Training, dy and dx in lanes, any stride. At stride 1 where many taps leave dy: small maps, large filters.",
     "A register tile of columns of dx by channels is summed over filters and taps. Taps that leave dy are left out by conditions that are decided "
     "when compiling. The rows of a band share the weights of a tile.",
     "`channels` divides the channels of a group, `rows` and `columns` the rows and columns of dx. `columns` x `channels` sums and 2 vectors more are at most the target's "
     "registers, without columns that no tap meets where the stride is wider than the taps."},
    {"conv.lanes_grad_weight", "the gradient of a convolution towards the weight, images innermost", kConvWeight,
     "Training, x and dy in lanes.",
     "The taps of a row by channels by filters are sums in registers. Along a strip of rows a vector of images of dy is multiply-added with "
     "one of x for each tap and channel; then the sums are added to vectors in memory, whose lanes are summed at the end, in a fixed order.",
     "`filters` x `tiles` divides the filters of a group, `block` its channels, `channels` a block, `rows` and `unroll` the rows and columns of dy. The sums, `filters` vectors and 1 more "
     "are at most the target's registers. `border` is 1 exactly where taps leave the image; with groups a tile then has one filter, and a block one tile. The sums of a block take at most 768 KB, and so does a copy."},
    {"conv.lanes_winograd", "convolution of 3x3 taps at stride 1, or its gradient towards x, by Winograd's algorithm, images innermost", kConvLanesWinograd,
     "Training in f32 without groups or dilation, weights transformed by `conv.winograd_weights`; `blocks` counts filters. Rounds more than a direct sum.",
     "The image parts of a block of tiles are transformed, channel by channel. A register tile of image tiles by filters is summed over the channels, for "
     "each number of a transformed filter: load a vector of images for each tile, broadcast one weight for each filter, multiply-add. The sums are "
     "transformed back where the result is stored. A pool whose windows tile those of a transformed tile takes them from there.",
     "`blocks` is that of the packed weights. `across` and `band` divide the tiles of a row and the rows of tiles, `columns` and `rows` divide these. "
     "`columns` x `rows` x `blocks` sums, `columns` x `rows` vectors and 1 more are at most the target's registers. The transformed images of a block of tiles take at "
     "most 1280 KB, the sums 256 KB. `unroll` divides the channels."},
    {"conv.lanes_winograd_grad_weight", "the gradient towards weights of 3x3 taps at stride 1 by Winograd's algorithm, images innermost", kConvWinogradWeight,
     "Training in f32 without groups or dilation, x and dy in lanes: 4 or 2.25 times fewer multiply-adds. Rounds more than a direct sum.",
     "A block of tiles of x and of dy is transformed, x turned so that vectors hold channels. A register tile of filters by vectors of channels is summed "
     "over tiles and images, for each number of a transformed filter: load the vectors of x, broadcast dy for each filter, multiply-add; then it is added "
     "to sums in memory, which are transformed back at the end.",
     "`outputs` is 2 or 4. `filter_block` divides the filters and `filters` divides it; so for vectors of channels. `across` and `band` divide the tiles of a row of dy and the "
     "rows of tiles. `filters` x `vectors` sums, `vectors` vectors and 1 more are at most the target's registers. The sums of a block take at most 640 KB, so do the transformed "
     "tiles; a copy of x for a vector of channels takes at most 256 KB."},
    {"conv.planar", "convolution of planar images, vectors of columns", kConv,
     "Inference, x and y planar: few filters, wide rows.",
     "A register tile of vectors of neighbouring columns by lines, by filters, is summed over channels and taps: load the vectors of x, shifted by the tap, "
     "broadcast one weight for each filter, multiply-add. The last vector of a row is shifted inwards.",
     "`vector` is a power of two that fits a register; `columns` vectors are no wider than y; `lines` divides `rows`. The sums, `columns` x `lines` vectors and 1 more are at most the target's "
     "registers. The rest as for `conv.lanes`."},
    {"conv.pointwise", "convolution of one tap, channels in vectors, all pixels in one row", kConvPointwise,
     "Inference, x and y in blocks of channels, weights packed, no groups. Better than `conv.direct` where rows are short and channels many, most of all with few registers.",
     "A register tile of pixels by vectors of filters is summed over the channels of a chunk: load the weights of the tile, broadcast one number of each pixel, "
     "multiply-add. The sums are added to those of the chunks before, in a cache. The tiles of a band's pixels follow one another, then the next chunk, whose weights stay in the first-level cache.",
     "`blocks` is that of the packed weights. `pixels` x `blocks` sums, `blocks` vectors and 1 more are at most the target's registers. `band` divides the rows of y, `chunk` the blocks of "
     "channels, which are whole, and `unroll` the channels of a block. The sums of a band take at most 256 KB. No pool is fused."},
    {"conv.separable", "convolution of each channel alone, and the one of a single tap that sums up its channels", kConvSeparable,
     "Inference, x and y in blocks of channels, weights packed: where what lies between them is larger than half of the second-level cache, and nobody else reads it.",
     "A band of rows of all channels is computed as by `conv.depthwise`, with what is applied to it, into a scratch that stays in the second level. Then the tiles of the band follow one another, "
     "for all filters, as in `conv.direct`.",
     "`blocks` is that of the packed weights. `columns` x `rows` x `blocks` sums, `blocks` vectors and 1 more are at most the target's registers, and so are `across` columns and 2 vectors. A tile is no larger than y, "
     "a band holds at least a tile's rows and takes at most 256 KB. `unroll` divides the channels of a block."},
    {"conv.winograd", "convolution of 3x3 taps at stride 1 by Winograd's algorithm, channels in vectors", kConvWinograd,
     "Inference in f32 without groups or dilation, x and y in blocks of channels, weights transformed by `conv.winograd_weights`: 4 or 2.25 times fewer multiply-adds. Rounds more "
     "than a direct sum.",
     "The image parts of a block of tiles are transformed, for all channels. A register tile of image tiles by vectors of filters is summed over the "
     "channels, for each number of a transformed filter: load the weights, broadcast one number of each tile, multiply-add. The sums are transformed "
     "back where the result is stored. A pool whose windows tile those of a transformed tile takes them from there.",
     "`blocks` is that of the packed weights. `across` and `band` divide the tiles of a row and the rows of tiles, `columns`, `rows` and `images` divide these and `group`; `columns` need not where `across` is all of a row. "
     "`columns` x `rows` x `blocks` sums, `blocks` vectors and 1 more are at most the target's registers. The transformed images of a block of tiles take at most 512 KB, the "
     "sums 256 KB. `parts` divides the tiles of filters, `chunk` the whole blocks of channels. `unroll` divides the channels of a block."},
    {"conv.winograd_weights", "filters of 3x3 taps, transformed for Winograd's algorithm and packed", {},
     "The kernel that makes these weights; no other template does.",
     "Filter after filter: its 9 numbers become those of the transformed filter, (m + 2) x (m + 2) for tiles of m x m results."},
    {"dense.lanes", "dense layer, images innermost", kDense,
     "Training, x and y in lanes.",
     "A register tile of outputs by groups of images is summed over the inputs: load a vector of images for each group, broadcast one weight for "
     "each output, multiply-add. What is left of the groups is taken one by one, with `single` outputs. With a chunk the sums of a task lie in memory, "
     "and its tiles add a chunk of the inputs, which stays in the first-level cache, before the next one.",
     "Tiles have no more outputs than the layer. `groups` x `outputs` sums, `groups` vectors and 1 more are at most the target's registers; so are "
     "`single` and 2 more. A chunk divides the inputs."},
    {"dense.lanes_grad_input", "the gradient of a dense layer towards x, images innermost", kDense,
     "Training, dy and dx in lanes.",
     "That of `dense.lanes`, with weights read along their columns.",
     "As for `dense.lanes`; the outputs are the inputs of the layer."},
    {"dense.lanes_grad_weight", "the gradient of a dense layer towards the weight, images innermost", kDenseWeight,
     "Training, x and dy in lanes.",
     "x of a few groups of images is transposed into a scratch, for `tiles` register tiles, dy copied into another for `block` outputs. A register tile of vectors of inputs by outputs is summed over these images: load "
     "the vectors of inputs, broadcast one number of dy for each output, multiply-add.",
     "`vector` is a power of two that fits a register and the inputs. `vectors` x `outputs` sums, `vectors` vectors and 1 more are at most the target's registers. `block` is a multiple of `outputs`, or "
     "all outputs. `tiles` have no more inputs than the layer. Scratch is at most 256 KB."},
    {"dense.packed", "dense layer, outputs in vectors", kDensePacked,
     "Inference, all planar but the weights, which are packed: several images at a time, or weights that fit a cache. A layer that alone reads the means of channels computes them first, image by image.",
     "A register tile of images by vectors of outputs is summed over the inputs: load the weights of the tile, broadcast one number of each image, "
     "multiply-add. The sums of a chunk are added to those of the chunks before, so that long sums round less. The weights of a tile of outputs serve all images one after the other.",
     "`blocks` is that of the packed weights. `images` x `blocks` sums, `blocks` vectors and 1 more are at most the target's registers; `images` is 1 where the "
     "result has no images, and where the layer computes the means of channels that it reads. `chunk` divides the inputs, and `unroll` divides it."},
    {"dense.vector", "dense layer of one or a few images at a time", kDenseVector,
     "Inference, all planar; of one image at a time it is bound by the memory that weights come from. A layer that alone reads the means of channels computes them first, image by image.",
     "Rows of the weight by images, a vector of sums each, run along the inputs: load a vector of each image and of each row, multiply-add. The "
     "lanes of each sum are added last.",
     "`vector` is a power of two that fits a register and the inputs. A tile has no more outputs than the layer; `rows` x `images` sums, `images` vectors and 1 more are at most the target's registers. `images` is 1 where the result has no images, and where the layer computes the means of channels that it reads; there is no chunk then. With a chunk, which divides the whole vectors of inputs, `images` divides `group`; without, `group` is 1."},
    {"elementwise", "each element from its definition, vectors along the memory", kElementwise,
     "Every kernel. Made for maps, copies between layouts, and the update of weights; where an op has a template of its own that is better.",
     "A vector of neighbouring elements is computed from the operands. Short reductions are written out, longer ones loop around the vector.",
     "`vector` is a power of two that fits a register and a row (in lanes: the layout's). `chunk` is 0 but for flat buffers, where it is at least a vector."},
    {"norm.lanes", "reductions over the pixels of an image that follow from one another, images innermost", kReduce,
     "Training: the mean of each image and the squared distances from it, as batchnorm wants them. What later reductions read lies in a cache, where the first one has put it.",
     "That of `reduce.lanes`, one pass after the other for each element of the result.",
     "As for `reduce.lanes`."},
    {"plain", "one loop nest, no vectors", {},
     "Every kernel but the update of weights, and reductions that follow from one another; slow, for comparison.",
     "Element after element, each from its definition."},
    {"pool", "maxima and means of windows, and their gradients", kPool,
     "Pools that no convolution computes in its registers, in training with the place of each window's winner; the gradients of all pools.",
     "A vector of images, of channels, or of neighbouring columns of a planar image. The places of a window are written out, and so are the columns and rows of a tile, "
     "which share what they read; in a gradient, whether a place lies in a window follows from its column and row in a tile as wide and high as the stride, when compiling.",
     "`vector` as for `elementwise`. `rows` and `columns` divide those of the result where images or channels lie in vectors, at most 16 places together, and are 1 of a planar image."},
    {"reduce.lanes", "reduction over images or over the batch, images innermost", kReduce,
     "Training: sums over the pixels of each image and over images, like those of batchnorm and of biases.",
     "A few vectors of partial results run over pixels, and over groups of images where the batch is reduced; then their lanes are combined last, in a fixed order.",
     "`partial` divides the elements of the innermost axis that is reduced."},
    {"softmax", "rows of an image that are reduced, once or several times, and computed with", kSoftmax,
     "softmax, the loss of a classification with its gradient, norms within an image: where a row's maximum, sum or mean is needed for its elements.",
     "Row after row: each reduction, and what several of its readers need, is computed once and kept in a scratch; then the results. Vectors hold images in training; in planar rows they "
     "run along a row whose elements lie side by side, and their lanes are combined last, else across rows.",
     "`vector` as for `elementwise`. `partial` divides the elements of the innermost axis that is reduced, or its vectors."},
};

}  // namespace

std::span<const Template> all_templates() { return kTemplates; }

const Template* find_template(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTemplates), std::end(kTemplates), [&](const Template& t) { return t.name == name; });
  return found == std::end(kTemplates) ? nullptr : found;
}

std::string legal_range(const TemplateParameter& parameter) {
  return parameter.most == kAny ? fmt::format("at least {}", parameter.least) : fmt::format("{} to {}", parameter.least, parameter.most);
}

std::string default_text(const TemplateParameter& parameter) { return parameter.absent ? fmt::format("{}", *parameter.absent) : "none"; }

std::optional<std::string> check_schedule(const Schedule& schedule) {
  const Template* found = find_template(schedule.name);
  if (!found) return fmt::format("there is no template `{}`", schedule.name);
  for (const TemplateParameter& parameter : found->parameters) {
    const auto given = schedule.parameters.find(parameter.name);
    if (given == schedule.parameters.end()) return fmt::format("`{}` needs a parameter `{}`", schedule.name, parameter.name);
    if (given->second < parameter.least || given->second > parameter.most)
      return fmt::format("`{}` of `{}` is {}, it may be {}", parameter.name, schedule.name, given->second, legal_range(parameter));
  }
  if (schedule.parameters.size() != found->parameters.size()) return fmt::format("`{}` has a parameter that the template lacks", schedule.name);
  return {};
}

}  // namespace cnnc
