// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What bounds a kernel, on a machine with made-up figures; and that measuring gives figures at all.
#include "runtime/machine/machine_speed.h"

#include <gtest/gtest.h>

namespace cnnc::runtime {
namespace {

/// 100 operations a second; L1 holds 10 bytes and gives 50 a second, each further level 10 times as many and half as fast.
MachineSpeed made_up() {
  MachineSpeed speed;
  speed.peak = 100;
  speed.levels = {{{"L1", 10, 50, 40}, {"L2", 100, 25, 20}, {"L3", 1000, 12.5, 10}, {"memory", INT64_MAX, 5, 4}}};
  return speed;
}

TEST(MachineSpeed, BytesComeFromTheSmallestLevelThatHoldsWhatWasTouchedSince) {
  const MachineSpeed speed = made_up();
  EXPECT_STREQ(level_of(speed, 10).name, "L1");
  EXPECT_STREQ(level_of(speed, 11).name, "L2");
  EXPECT_STREQ(level_of(speed, 1000).name, "L3");
  EXPECT_STREQ(level_of(speed, 1e12).name, "memory");
}

TEST(MachineSpeed, WritesAreCopiesAndOtherReadsAreReads) {
  const MemoryLevel level{"L1", 10, 50, 40};
  EXPECT_DOUBLE_EQ(seconds_of(level, {100, 0, 0}), 2);
  EXPECT_DOUBLE_EQ(seconds_of(level, {20, 20, 0}), 1);
  EXPECT_DOUBLE_EQ(seconds_of(level, {70, 20, 0}), 2);
  EXPECT_DOUBLE_EQ(seconds_of(level, {0, 20, 0}), 1);
  EXPECT_EQ(seconds_of(MemoryLevel{"L3", 10, 0, 0}, {70, 20, 0}), 0) << "an unknown speed bounds nothing";
}

TEST(MachineSpeed, TheBoundIsWhateverTakesLongest) {
  const MachineSpeed speed = made_up();
  const Bound computing = bound_of(speed, 1000, {Traffic{5, 0, 5}});
  EXPECT_STREQ(computing.name, "compute");
  EXPECT_DOUBLE_EQ(computing.seconds, 10);
  // 100 bytes of weights from memory take 20 s, the same from L2 4 s.
  const Bound moving = bound_of(speed, 1000, {Traffic{5, 0, 5}, Traffic{100, 0, 2000}});
  EXPECT_STREQ(moving.name, "memory");
  EXPECT_DOUBLE_EQ(moving.seconds, 20);
  EXPECT_STREQ(bound_of(speed, 1000, {Traffic{5, 0, 5}, Traffic{100, 0, 100}}).name, "compute");
  // Traffic of the same level adds up.
  EXPECT_DOUBLE_EQ(bound_of(speed, 0, {Traffic{50, 0, 50}, Traffic{25, 0, 50}}).seconds, 3);
}

TEST(MachineSpeed, TheBetterFigureOfTwoMeasurementsCounts) {
  MachineSpeed one = made_up(), other = made_up();
  one.peak = 90;
  other.levels[3].read = 6;
  const MachineSpeed best = better_of(one, other);
  EXPECT_EQ(best.peak, 100);
  EXPECT_EQ(best.levels[3].read, 6);
  EXPECT_EQ(best.levels[0].copy, 40);
}

TEST(MachineSpeed, MeasuresEveryLevelOfThisMachine) {
  const MachineSpeed speed = measure_speed(2, widest_vectors());
  EXPECT_EQ(speed.threads, 2);
  EXPECT_GT(speed.peak, 1e8);
  for (const MemoryLevel& level : speed.levels) {
    EXPECT_GT(level.read, 1e7) << level.name;
    EXPECT_GT(level.copy, 1e7) << level.name;
    EXPECT_GT(level.capacity, 0) << level.name;
  }
}

TEST(MachineSpeed, TellsTheProcessorAndItsFrequency) {
  EXPECT_FALSE(processor_name().empty());
  EXPECT_GE(usable_processors(), 1);
  // The clock of any processor that this runs on, and then some.
  EXPECT_GT(measure_frequency(), 1e8);
  EXPECT_LT(measure_frequency(), 2e10);
}

TEST(MachineSpeed, TheNamesOfTargetsAreKnown) {
  for (VectorSet set : {VectorSet::Sse, VectorSet::Avx2, VectorSet::Avx512}) EXPECT_EQ(vector_set(name_of(set)), set);
  EXPECT_FALSE(vector_set("neon"));
}

}  // namespace
}  // namespace cnnc::runtime
