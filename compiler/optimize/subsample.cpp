// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// conv of one tap with a stride → maxpool of one place with that stride, then conv without one: the pixels that it reads are moved
// together first. Every filter would read them again, each in a cache line of its own, half of which no filter needs.
#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {
namespace {

Replacement subsample_input(Rewriter& rewriter, const Node& conv) {
  if (conv.op->name != "conv") return std::nullopt;
  const auto list = [&](const char* name) { return std::get<Dims>(conv.attributes.at(name)); };
  const Dims &weight = rewriter.old_graph().type(conv.operands[1]).dims, stride = list("stride");
  const bool has_one_tap = weight[2] == 1 && weight[3] == 1 && list("pad") == Dims{0, 0, 0, 0};
  if (!has_one_tap || stride == Dims{1, 1} || std::get<int64_t>(conv.attributes.at("groups")) != 1) return std::nullopt;
  const ValueId x = rewriter.build().add("maxpool", {rewriter(conv.operands[0])}, {{"kernel", Dims{1, 1}}, {"stride", stride}});
  AttributeMap attributes = conv.attributes;
  attributes["stride"] = Dims{1, 1};
  return std::vector<ValueId>{rewriter.build().add("conv", {x, rewriter(conv.operands[1]), rewriter(conv.operands[2])}, attributes)};
}

}  // namespace

Function subsample(const Function& function) { return rewrite(function, {{"subsample", subsample_input}}); }

}  // namespace cnnc
