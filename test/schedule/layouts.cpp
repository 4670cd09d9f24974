// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layouts: the dimensions of memory, innermost first.
#include <gtest/gtest.h>

#include "schedule/plan.h"

namespace cnnc {
namespace {

std::vector<int64_t> extents(const TensorType& type, const Layout& layout) {
  std::vector<int64_t> result;
  for (const StoredDim& dim : stored_dims(type, layout)) result.push_back(dim.is_batch ? -1 : dim.extent);
  return result;
}

const TensorType kImage{ElementType::F32, true, {20, 7, 9}};

TEST(Layouts, Dimensions) {
  EXPECT_EQ(extents(kImage, {}), (std::vector<int64_t>{9, 7, 20, -1}));
  EXPECT_EQ(extents(kImage, {LayoutKind::Lanes, 16, {}}), (std::vector<int64_t>{16, 9, 7, 20, -1}));
  EXPECT_EQ(extents(kImage, {LayoutKind::Blocked, 16, {}}), (std::vector<int64_t>{16, 9, 7, 2, -1}));
  const TensorType weight{ElementType::F32, false, {20, 6, 3, 5}};
  EXPECT_EQ(extents(weight, {LayoutKind::Packed, 1, {8, 2}}), (std::vector<int64_t>{8, 2, 6, 5, 3, 2}));
}

TEST(Layouts, Bytes) {
  EXPECT_EQ(stored_bytes(kImage, {}), 20 * 7 * 9 * 4);
  EXPECT_EQ(stored_bytes(kImage, {LayoutKind::Lanes, 16, {}}), 20 * 7 * 9 * 16 * 4);
  EXPECT_EQ(stored_bytes(kImage, {LayoutKind::Blocked, 16, {}}), 32 * 7 * 9 * 4);
}

TEST(Layouts, ABorderLiesAroundTheImage) {
  // Above 1, left 2, below 3, right 4.
  const Layout layout{.kind = LayoutKind::Blocked, .vector = 16, .border = {1, 2, 3, 4}};
  const auto dims = stored_dims(kImage, layout);
  EXPECT_EQ(extents(kImage, layout), (std::vector<int64_t>{16, 9, 7, 2, -1}));
  EXPECT_EQ(dims[2].stride, 16 * (2 + 9 + 4));
  EXPECT_EQ(dims[3].stride, 16 * (2 + 9 + 4) * (1 + 7 + 3));
  EXPECT_EQ(border_elements(dims), 1 * dims[2].stride + 2 * 16);
  EXPECT_EQ(stored_bytes(kImage, layout), 2 * dims[3].stride * 4);
  EXPECT_EQ(to_string(layout), "blocked(16, border: 1 2 3 4)");
  EXPECT_TRUE(layout.same_order({.kind = LayoutKind::Blocked, .vector = 16}));
}

TEST(Layouts, Text) {
  EXPECT_EQ(to_string(Layout{LayoutKind::Lanes, 16, {}}), "lanes(16)");
  EXPECT_EQ(to_string(Layout{LayoutKind::Packed, 1, {16, 2}}), "packed(16, 2)");
}

TEST(Layouts, ParametersStartAtMultiplesOf16) {
  Module module;
  for (int64_t extent : {1, 17, 3}) module.parameters.push_back({"w" + std::to_string(extent), Role::Weight, {ElementType::F32, false, {extent}}, {}, "", {}});
  module.parameters.push_back({"mean", Role::State, {ElementType::F32, false, {5}}, {}, "", {}});
  const FlatLayout flat = flat_layout(module);
  EXPECT_EQ(flat.offsets.at("w1"), 0);
  EXPECT_EQ(flat.offsets.at("w17"), 16);
  EXPECT_EQ(flat.offsets.at("w3"), 48);
  EXPECT_EQ(flat.weight_elements, 64);
  EXPECT_EQ(flat.offsets.at("mean"), 0);
  EXPECT_EQ(flat.state_elements, 16);
}

}  // namespace
}  // namespace cnnc
