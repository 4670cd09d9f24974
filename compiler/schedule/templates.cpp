// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of templates.
#include "schedule/templates.h"

#include <fmt/format.h>

#include <algorithm>

namespace cnnc {
namespace {

constexpr int64_t kAny = int64_t{1} << 30;

constexpr TemplateParameter kElementwise[] = {{"vector", "elements of a vector", 1, 64},
                                              {"columns", "columns computed together", 1, 8},
                                              {"rows", "rows computed together", 1, 8},
                                              {"chunk", "elements of a flat buffer in one task; 0: not a flat buffer", 0, kAny}};
constexpr TemplateParameter kReduce[] = {{"partial", "vectors of partial results", 1, 16}};
constexpr TemplateParameter kConv[] = {{"columns", "columns of a tile (conv.planar: vectors of columns)", 1, 32},
                                       {"filters", "filters of a tile", 1, 32},
                                       {"rows", "rows of a band", 1, kAny},
                                       {"border", "0: none, 1: copy of a band, 2: copy of a tile and channel", 0, 2},
                                       {"vector", "conv.planar: columns in a vector", 1, 64}};
constexpr TemplateParameter kConvDepthwise[] = {{"columns", "columns of a tile", 1, 32}, {"rows", "rows of a tile", 1, 8}};
constexpr TemplateParameter kConvDirect[] = {{"columns", "columns of a tile", 1, 32},
                                             {"rows", "rows of a tile", 1, 8},
                                             {"blocks", "vectors of filters of a tile", 1, 8},
                                             {"band", "rows whose tiles follow one another for one tile of filters", 1, kAny},
                                             {"border", "1: bordered copy of a band of a planar x", 0, 1},
                                             {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvWinograd[] = {{"columns", "tiles side by side in a register tile", 1, 32},
                                               {"rows", "tiles below each other in it", 1, 32},
                                               {"blocks", "vectors of filters in it (images innermost: filters)", 1, 8},
                                               {"across", "tiles side by side that are transformed together", 1, kAny},
                                               {"band", "tiles below each other that are", 1, kAny},
                                               {"unroll", "channels written out", 1, 16}};
constexpr TemplateParameter kConvInput[] = {{"columns", "columns of a tile", 1, 32},
                                            {"channels", "channels of a tile", 1, 32},
                                            {"rows", "rows of a band", 1, kAny},
                                            {"border", "1: copy of a band of dy, 2: conditions", 1, 2}};
constexpr TemplateParameter kConvWeight[] = {{"filters", "filters of a tile", 1, 32},
                                             {"channels", "channels of a tile", 1, 32},
                                             {"block", "channels whose lane vectors lie in cache together", 1, kAny},
                                             {"rows", "rows of a strip", 1, kAny},
                                             {"unroll", "columns written out", 1, 8},
                                             {"border", "1: bordered copy of a strip of x", 0, 1}};
constexpr TemplateParameter kDense[] = {{"outputs", "outputs of a tile of several groups", 1, 32},
                                        {"single", "outputs of a tile of one group", 1, 32},
                                        {"groups", "groups taken together", 1, 8},
                                        {"tasks", "parallel parts of the outputs", 1, 64}};
constexpr TemplateParameter kDenseWeight[] = {{"vector", "inputs of a vector", 1, 64},
                                              {"vectors", "vectors of a tile", 1, 8},
                                              {"outputs", "outputs of a tile", 1, 16},
                                              {"block", "outputs whose sums lie in cache together", 1, kAny},
                                              {"chunk", "groups of images taken together", 1, 16}};
constexpr TemplateParameter kDenseVector[] = {{"vector", "inputs of a vector", 1, 64},
                                              {"rows", "outputs of a tile", 1, 16},
                                              {"tasks", "parallel parts of the outputs", 1, 64}};

constexpr Template kTemplates[] = {
    {"conv.depthwise", "convolution with a filter for each channel, channels in vectors", kConvDepthwise},
    {"conv.direct", "convolution, channels of y in vectors; x in blocks of channels or planar", kConvDirect},
    {"conv.lanes", "convolution, images innermost", kConv},
    {"conv.lanes_grad_input", "its gradient towards x", kConvInput},
    {"conv.lanes_grad_weight", "its gradient towards the weight", kConvWeight},
    {"conv.lanes_winograd", "convolution of 3x3 taps at stride 1, or its gradient towards x, by Winograd's algorithm, images innermost", kConvWinograd},
    {"conv.planar", "convolution of planar images, vectors of columns", kConv},
    {"conv.winograd", "convolution of 3x3 taps at stride 1 by Winograd's algorithm, channels in vectors", kConvWinograd},
    {"conv.winograd_weights", "its filters, transformed", {}},
    {"dense.lanes", "dense layer, images innermost", kDense},
    {"dense.lanes_grad_input", "its gradient towards x", kDense},
    {"dense.lanes_grad_weight", "its gradient towards the weight", kDenseWeight},
    {"dense.vector", "dense layer of one image at a time", kDenseVector},
    {"elementwise", "each element from its definition, vectors along the memory", kElementwise},
    {"plain", "one loop nest, no vectors", {}},
    {"reduce.lanes", "reduction over the batch, images innermost", kReduce},
};

}  // namespace

std::span<const Template> all_templates() { return kTemplates; }

const Template* find_template(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTemplates), std::end(kTemplates), [&](const Template& t) { return t.name == name; });
  return found == std::end(kTemplates) ? nullptr : found;
}

std::optional<std::string> check_schedule(const Schedule& schedule) {
  const Template* found = find_template(schedule.name);
  if (!found) return fmt::format("there is no template `{}`", schedule.name);
  for (const TemplateParameter& parameter : found->parameters) {
    const auto given = schedule.parameters.find(parameter.name);
    if (given == schedule.parameters.end()) return fmt::format("`{}` needs a parameter `{}`", schedule.name, parameter.name);
    if (given->second < parameter.least || given->second > parameter.most)
      return fmt::format("`{}` of `{}` is {}, it may be {} to {}", parameter.name, schedule.name, given->second, parameter.least, parameter.most);
  }
  if (schedule.parameters.size() != found->parameters.size()) return fmt::format("`{}` has a parameter that the template lacks", schedule.name);
  return {};
}

}  // namespace cnnc
