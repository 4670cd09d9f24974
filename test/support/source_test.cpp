// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tests of sources: lines, columns, texts of ranges.
#include "support/source.h"

#include <gtest/gtest.h>

namespace cnnc {
namespace {

TEST(Source, FindsLinesAndColumns) {
  SourceManager sources;
  const int32_t file = sources.add("a.cnn", "one\r\ntwo\n\nlast");
  EXPECT_EQ(sources.position(file, 0).line, 1u);
  EXPECT_EQ(sources.position(file, 4).line, 1u);
  EXPECT_EQ(sources.position(file, 5).line, 2u);
  EXPECT_EQ(sources.position(file, 7).column, 3u);
  EXPECT_EQ(sources.position(file, 14).line, 4u);
  EXPECT_EQ(sources.line(file, 1), "one");
  EXPECT_EQ(sources.line(file, 3), "");
  EXPECT_EQ(sources.line(file, 4), "last");
  EXPECT_EQ(sources.line(file, 5), "");
}

TEST(Source, HandlesAnEmptyText) {
  SourceManager sources;
  const int32_t file = sources.add("empty.cnn", "");
  EXPECT_EQ(sources.position(file, 0).line, 1u);
  EXPECT_EQ(sources.position(file, 0).column, 1u);
  EXPECT_EQ(sources.line(file, 1), "");
  EXPECT_EQ(sources.text({file, 0, 5}), "");
}

TEST(Source, ViewsStayValidWhenTextsAreAdded) {
  SourceManager sources;
  const int32_t first = sources.add("a", "short");
  const std::string_view view = sources.text({first, 0, 5});
  for (int i = 0; i < 1000; ++i) sources.add("b", "text");
  EXPECT_EQ(view, "short");
}

TEST(PlaceText, LeavesTheFolderAway) {
  SourceManager sources;
  const int32_t file = sources.add("/srv/nets/lenet.cnn", "image\n    -> conv(6)\n");
  const int32_t near = sources.add("lenet.cnn", "image");
  EXPECT_EQ(place_text(sources, {file, 13, 17}), "lenet.cnn:2:8");
  EXPECT_EQ(place_text(sources, {near, 0, 5}), "lenet.cnn:1:1");
  EXPECT_EQ(place_text(sources, {}), "");
}

TEST(Cover, IgnoresRangesWithoutAPlace) {
  const SourceRange a{0, 2, 5}, b{0, 8, 9}, other{1, 0, 1};
  EXPECT_EQ(cover(a, b), (SourceRange{0, 2, 9}));
  EXPECT_EQ(cover({}, b), b);
  EXPECT_EQ(cover(a, {}), a);
  EXPECT_EQ(cover(a, other), a);
}

}  // namespace
}  // namespace cnnc
