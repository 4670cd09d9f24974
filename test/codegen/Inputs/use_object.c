/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Uses digits.o through digits.h: reads 7 images (x.raw), writes their outputs (y.raw), and tries what a caller may do wrong. */
#define _POSIX_C_SOURCE 200112L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"

enum { kImages = 7, kThreads = 4, kCalls = 50 };

static const digits_tensor kInputs[] = DIGITS_INPUTS;
static const digits_tensor kOutputs[] = DIGITS_OUTPUTS;

static void* aligned(size_t bytes) {
  void* memory = NULL;
  if (posix_memalign(&memory, 64, bytes + 64) != 0) exit(2);
  memset(memory, 0xff, bytes + 64); /* NaN everywhere: nothing may be read before it is written */
  return memory;
}

static float *input, *expected;

static void* call_often(void* result) {
  float* output = (float*)aligned(kImages * 16 * sizeof(float));
  const size_t bytes = digits_workspace_bytes(kImages);
  void* workspace = aligned(bytes);
  const void* inputs[] = {input};
  void* outputs[] = {output};
  int i;
  for (i = 0; i < kCalls; ++i) {
    if (digits_infer(digits_embedded(), inputs, outputs, kImages, workspace, bytes, NULL) != DIGITS_OK) return result;
    if (memcmp(output, expected, kImages * 10 * sizeof(float)) != 0) return result;
  }
  free(output);
  free(workspace);
  return NULL;
}

int main(int argc, char** argv) {
  const size_t bytes = digits_workspace_bytes(kImages);
  void* workspace = aligned(bytes);
  digits_context context;
  volatile int32_t stop = 1;
  const void* inputs[1];
  void* outputs[1];
  pthread_t threads[kThreads];
  int i, failures = 0;
  FILE* file;
  if (argc != 3 || kOutputs[0].dims[0] != 10) return 2;
  printf("input %s %dx%dx%d\n", kInputs[0].name, (int)kInputs[0].dims[0], (int)kInputs[0].dims[1], (int)kInputs[0].dims[2]);
  input = (float*)aligned(kImages * 64 * sizeof(float));
  expected = (float*)aligned(kImages * 16 * sizeof(float));
  file = fopen(argv[1], "rb");
  if (!file || fread(input, sizeof(float), kImages * 64, file) != kImages * 64) return 2;
  fclose(file);
  inputs[0] = input;
  outputs[0] = expected;

#define TRY(what, call) printf("%s: %s\n", what, digits_status_text(call))
  TRY("null", digits_infer(NULL, inputs, outputs, 1, workspace, bytes, NULL));
  outputs[0] = (char*)expected + 4;
  TRY("misaligned", digits_infer(digits_embedded(), inputs, outputs, 1, workspace, bytes, NULL));
  outputs[0] = expected;
  TRY("batch 0", digits_infer(digits_embedded(), inputs, outputs, 0, workspace, bytes, NULL));
  TRY("batch too large", digits_infer(digits_embedded(), inputs, outputs, (int64_t)1 << 40, workspace, bytes, NULL));
  if (bytes > 0) TRY("small workspace", digits_infer(digits_embedded(), inputs, outputs, kImages, workspace, bytes - 1, NULL));
  memset(&context, 0, sizeof context);
  context.stop = &stop;
  TRY("stopped", digits_infer(digits_embedded(), inputs, outputs, kImages, workspace, bytes, &context));
  printf("%s\n", digits_status_text(digits_infer(digits_embedded(), inputs, outputs, kImages, workspace, bytes, NULL)));

  for (i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, call_often, &failures);
  for (i = 0; i < kThreads; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    failures += result != NULL;
  }
  puts(failures ? "threads differ" : "threads agree");
  file = fopen(argv[2], "wb");
  if (!file || fwrite(expected, sizeof(float), kImages * 10, file) != kImages * 10) return 2;
  return fclose(file) != 0 || failures;
}
