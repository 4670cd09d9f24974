// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C header that goes beside an object: C99 and C++, self-contained, every name prefixed with the network's.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "codegen/c_interface.h"
#include "support/check.h"

namespace cnnc {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string c_type(ElementType element) {
  switch (element) {
    case ElementType::F32: return "float";
    case ElementType::F64: return "double";
    case ElementType::I32: return "int32_t";
    case ElementType::U8: return "uint8_t";
  }
  return "float";
}

constexpr size_t kMaximumRank = 8;

std::string tensor_line(const std::string& name, const Dims& dims, int64_t offset) {
  std::string extents;
  for (size_t i = 0; i < dims.size(); ++i) extents += fmt::format("{}{}", i ? ", " : "", dims[i]);
  return fmt::format("  {{\"{}\", {}, {{{}}}, {}}},\n", name, dims.size(), dims.empty() ? "0" : extents, offset);
}

std::string column_table(const FunctionPlan& plan, Role role, const std::string& name, const std::string& comment) {
  std::string rows;
  int count = 0;
  for (const Port& port : plan.columns)
    if (port.role == role) {
      rows += tensor_line(port.name, plan.function->graph.type(port.value).dims, 0);
      ++count;
    }
  const std::string macro = upper(name);
  return fmt::format("/* {} */\n#define {}_COUNT {}\n#define {} {{ \\\n{}}}\n\n", comment, macro, count, macro,
                     [&] {
                       std::string joined;
                       for (size_t begin = 0; begin < rows.size();) {
                         const size_t end = rows.find('\n', begin);
                         joined += rows.substr(begin, end - begin) + " \\\n";
                         begin = end + 1;
                       }
                       return joined;
                     }());
}

std::string parameter_table(const ProgramParts& parts, const std::string& prefix) {
  std::string rows;
  int count = 0;
  for (Role role : {Role::Weight, Role::State})
    for (const Parameter& p : parts.module->parameters) {
      if (p.role != role) continue;
      const int64_t base = role == Role::State ? parts.plan->flat.weight_elements : 0;
      std::string line = tensor_line(p.name, p.type.dims, base + parts.plan->flat.offsets.at(p.name));
      line.pop_back();
      rows += line + " \\\n";
      ++count;
    }
  const int64_t elements = parts.plan->flat.weight_elements + parts.plan->flat.state_elements;
  return fmt::format(
      "/* Weights and running statistics: one buffer of {0}_WEIGHT_ELEMENTS numbers, each tensor at its offset (in numbers). */\n"
      "#define {0}_WEIGHT_ELEMENTS {1}\n#define {0}_WEIGHTS_COUNT {2}\n#define {0}_WEIGHTS {{ \\\n{3}}}\n\n",
      upper(prefix), elements, count, rows);
}

}  // namespace

const FunctionPlan& find_plan(const ProgramParts& parts, const std::string& name) {
  for (const FunctionPlan& plan : parts.plan->functions)
    if (plan.function->name == name) return plan;
  CNNC_CHECK(false, "the program has no function " + name);
  return parts.plan->functions.front();
}

int64_t largest_batch(const ProgramParts& parts) {
  const FunctionPlan& plan = find_plan(parts, "infer");
  int64_t largest = 1;
  for (int32_t i = 0; i < plan.function->graph.value_count(); ++i) {
    const TensorType& type = plan.function->graph.type({i});
    if (!type.batched) continue;
    const Layout& layout = plan.layouts.at(static_cast<size_t>(i));
    largest = std::max(largest, stored_bytes(type, layout) / element_bytes(type.element) / (layout.kind == LayoutKind::Lanes ? layout.vector : 1));
  }
  return std::max<int64_t>(1, ((int64_t{1} << 31) - 1) / largest / plan.group * plan.group);
}

int64_t prepared_buffer_bytes(const ProgramParts& parts) {
  const FunctionPlan& plan = find_plan(parts, "prepare");
  return parts.plan->prepared_bytes + plan.workspace_fixed + plan.workspace_per_group;
}

std::string c_header(const ProgramParts& parts) {
  const std::string name = parts.module->network, macro = upper(name);
  const FunctionPlan& infer = find_plan(parts, "infer");
  std::string statuses;
  for (size_t i = 0; i < std::size(kCStatuses); ++i)
    statuses += fmt::format("  {}_{} = {},{:>{}}/* {} */\n", macro, kCStatuses[i].name, i, " ",
                            std::max<size_t>(1, 16 - std::string(kCStatuses[i].name).size()), kCStatuses[i].text);
  std::string text = fmt::format(R"(/* {1}: inference of a network, compiled by {2} for {3}. Made by the compiler; do not edit.
 *
 *   void* prepared = aligned_alloc(64, {0}_prepared_bytes());
 *   {0}_prepare(weights, prepared);
 *   {0}_infer(prepared, inputs, outputs, batch, workspace, {0}_workspace_bytes(batch), NULL);
 *
 * Every buffer is aligned to 64 bytes, and one that is written overlaps no other. Inputs and outputs are planar, one image after
 * the other. What a call can see to be wrong is its status, and nothing is written then. Nothing is allocated, printed or kept; {0}_infer only reads `prepared`, so any number of threads may share it, each with a workspace of its own.
 */
#ifndef {1}_H
#define {1}_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {{
#endif

#define {1}_INTERFACE_VERSION 1
typedef {4} {0}_number;

typedef enum {0}_status {{
{5}}} {0}_status;

/* A name, a shape (outermost first), and for weights the place in their buffer. */
typedef struct {0}_tensor {{
  const char* name;
  int32_t rank;
  int64_t dims[{6}];
  int64_t offset;
}} {0}_tensor;

)",
                                 name, macro, parts.compiler, parts.plan->target->name, c_type(parts.element), statuses, kMaximumRank);
  text += "/* Tables: static const " + name + "_tensor inputs[] = " + macro + "_INPUTS; */\n";
  text += column_table(infer, Role::Input, name + "_inputs", "Inputs, in the order of `inputs`; shapes are of one image.");
  text += column_table(infer, Role::Output, name + "_outputs", "Outputs, in the order of `outputs`; shapes are of one image.");
  text += parameter_table(parts, name);
  text += fmt::format(R"(/* The largest batch of one call; buffers of outputs have room for the batch rounded up to a multiple of {1}_BATCH_MULTIPLE. */
#define {1}_LARGEST_BATCH {2}
#define {1}_BATCH_MULTIPLE {3}

/* What a call may use; null, or null members: serial, never stopped, not profiled. */
typedef struct {0}_context {{
  /* Runs task(user, i, closure) for i in [begin, begin + count), in any order, on any threads, and returns when all are done. */
  int32_t (*parallel_for)(void* pool, int32_t (*task)(void* user, int32_t i, uint8_t* closure), void* user, int32_t begin,
                          int32_t count, uint8_t* closure);
  void* pool;
  const volatile int32_t* stop;   /* read before each kernel; not zero ends the call */
  void (*kernel_done)(void* profile, int32_t kernel);
  void* profile;
  int32_t threads;                /* tasks that parallel_for runs at a time; 0: not known */
}} {0}_context;

/* Bytes of the buffer that {0}_prepare fills. */
size_t {0}_prepared_bytes(void);
/* Bytes of the workspace for a batch; 0 when the batch is not possible. */
size_t {0}_workspace_bytes(int64_t batch);
/* Weights (see {1}_WEIGHTS) into the form that the kernels read; once for each set of weights. */
{0}_status {0}_prepare(const {0}_number* weights, void* prepared);
{0}_status {0}_infer(const void* prepared, const void* const* inputs, void* const* outputs, int64_t batch, void* workspace,
                     size_t workspace_bytes, const {0}_context* context);
/* What a status means; never null. */
const char* {0}_status_text({0}_status status);
{4}
#ifdef __cplusplus
}}
#endif
#endif
)",
                      name, macro, largest_batch(parts), infer.group,
                      parts.embedded ? fmt::format("/* The weights that were given at build, prepared. */\nconst void* {}_embedded(void);\n", name) : "");
  return text;
}

}  // namespace cnnc
