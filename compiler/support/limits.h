// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the compiler accepts at most. Each limit is checked where the input arrives and refused with a diagnostic that
// names it, so that no input exhausts the stack or the memory.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cnnc::limits {

/// Bytes of one source file.
inline constexpr size_t kMaximumSourceBytes = size_t{16} << 20;
/// How deep brackets and expressions may be nested: the AST's depth, so each recursion over it is bounded by this.
inline constexpr int kMaximumNesting = 500;
/// Letters of one name. Longer ones are no names that a person reads.
inline constexpr size_t kMaximumNameBytes = 200;

/// How deep files may import each other.
inline constexpr size_t kMaximumImportDepth = 100;
/// How deep blocks may use each other, also a block that uses itself.
inline constexpr int kMaximumUses = 256;
/// Levels of expressions within expressions, through all blocks that are being built.
inline constexpr int kMaximumEvaluationDepth = 4000;
/// Repetitions of one `repeat`.
inline constexpr int64_t kMaximumRepetitions = 1'000'000;
/// What is evaluated when compiling: expressions, numbers of tables, nodes of the graph.
#ifdef CNNC_FUZZ
inline constexpr int64_t kMaximumEvaluationSteps = 200'000;   // what watches every step takes fifteen times as long
#else
inline constexpr int64_t kMaximumEvaluationSteps = 5'000'000;
#endif
/// Nodes of one network's graph.
inline constexpr int kMaximumNodes = 1'000'000;
/// Numbers in one table or list.
inline constexpr int64_t kMaximumTableNumbers = 4'000'000;
/// Lists in lists, records in records.
inline constexpr int kMaximumListDepth = 64;
/// Dimensions of a tensor, the batch apart.
inline constexpr size_t kMaximumRank = 16;
/// An extent of a tensor is less than this, the product of all less than kMaximumTensorElements.
inline constexpr int64_t kMaximumExtent = int64_t{1} << 31;
inline constexpr int64_t kMaximumTensorElements = int64_t{1} << 40;

}  // namespace cnnc::limits
