// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cnn_program written by hand, so that the runtime is tested without the compiler: softmax regression on 8x8 images in ten
// classes, with real gradients, sgd with momentum, a running statistic, and groups of 4 images. It does on purpose what
// generated code may do: it writes beyond the batch up to its group, also in the update, and between tensors.
// Compiled for f32 (handmade_digits), f64 (handmade_digits_f64, -DHANDMADE_F64) and with weights built in (handmade_digits_embedded). HANDMADE_DELAY_MS=N in the environment makes
// each gradient take N ms, so that tests can send signals in the middle of a step.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "runtime/abi/program.h"

namespace {

#ifdef HANDMADE_F64
using Number = double;
constexpr int32_t kElement = CNN_F64;
#else
using Number = float;
constexpr int32_t kElement = CNN_F32;
#endif

constexpr int64_t kPixels = 64, kClasses = 10, kBiasAt = 640, kElements = 656, kGroup = 4, kUpdateGroup = 48;

int64_t rounded(int64_t count, int64_t group) { return (count + group - 1) / group * group; }

bool stopped(const cnn_context* context) { return context && context->stop && *context->stop != 0; }

void done(const cnn_context* context, int32_t kernel) {
  if (context && context->kernel_done) context->kernel_done(context->profile, kernel);
}

/// Runs body(i) for each i, by the context's threads.
template <typename Body>
void parallel(const cnn_context* context, int32_t count, const Body& body) {
  const auto task = [](void*, int32_t i, uint8_t* closure) -> int32_t {
    (*reinterpret_cast<const Body*>(closure))(i);
    return 0;
  };
  auto* closure = reinterpret_cast<uint8_t*>(const_cast<Body*>(&body));
  if (context && context->parallel_for) context->parallel_for(context->pool, task, const_cast<cnn_context*>(context), 0, count, closure);
  else
    for (int32_t i = 0; i < count; ++i) task(nullptr, i, closure);
}

void logits_of(const Number* weights, const Number* image, Number* out) {
  for (int64_t c = 0; c < kClasses; ++c) {
    Number sum = weights[kBiasAt + c];
    for (int64_t i = 0; i < kPixels; ++i) sum += weights[c * kPixels + i] * image[i];
    out[c] = sum;
  }
}

/// Probabilities in place; returns -log of the label's, and whether the label has the largest.
Number softmax(Number* values, int32_t label, bool& right) {
  Number largest = values[0], sum = 0;
  int32_t best = 0;
  for (int32_t c = 1; c < kClasses; ++c)
    if (values[c] > largest) largest = values[best = c];
  const Number own = values[label] - largest;
  for (int64_t c = 0; c < kClasses; ++c) sum += values[c] = std::exp(values[c] - largest);
  for (int64_t c = 0; c < kClasses; ++c) values[c] /= sum;
  right = best == label;
  return std::log(sum) - own;
}

template <typename T>
T* column(void* const* buffers, int i) {
  return static_cast<T*>(buffers[CNN_COLUMNS + i]);
}

// prepare: the prepared weights are the weights.
int32_t prepare(void* const* buffers, int64_t, void*, const cnn_context* context) {
  if (stopped(context)) return CNN_STOPPED;
  std::memcpy(buffers[CNN_PREPARED], buffers[CNN_WEIGHTS], kElements * sizeof(Number));
  done(context, 0);
  return CNN_OK;
}

// infer: image, output.
int32_t infer(void* const* buffers, int64_t batch, void*, const cnn_context* context) {
  if (stopped(context)) return CNN_STOPPED;
  const auto* weights = static_cast<const Number*>(buffers[CNN_PREPARED]);
  for (int64_t n = 0; n < rounded(batch, kGroup); ++n) logits_of(weights, column<Number>(buffers, 0) + n * kPixels, column<Number>(buffers, 1) + n * kClasses);
  done(context, 0);
  return CNN_OK;
}

// evaluate: image, label, output, loss, accuracy.
int32_t evaluate(void* const* buffers, int64_t batch, void*, const cnn_context* context) {
  if (stopped(context)) return CNN_STOPPED;
  const auto* weights = static_cast<const Number*>(buffers[CNN_PREPARED]);
  for (int64_t n = 0; n < batch; ++n) {
    Number* output = column<Number>(buffers, 2) + n * kClasses;
    logits_of(weights, column<Number>(buffers, 0) + n * kPixels, output);
    Number probability[kClasses];
    std::memcpy(probability, output, sizeof probability);
    bool right = false;
    column<Number>(buffers, 3)[n] = softmax(probability, column<int32_t>(buffers, 1)[n], right);
    column<Number>(buffers, 4)[n] = right;
  }
  done(context, 0);
  return CNN_OK;
}

// gradients: image, label, loss, accuracy. The workspace holds the difference of probabilities and labels.
int32_t gradients(void* const* buffers, int64_t batch, void* workspace, const cnn_context* context) {
  if (stopped(context)) return CNN_STOPPED;
  if (const char* delay = std::getenv("HANDMADE_DELAY_MS")) std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(delay)));
  const auto* weights = static_cast<const Number*>(buffers[CNN_WEIGHTS]);
  auto* slopes = static_cast<Number*>(workspace);
  const Number images = *static_cast<const Number*>(buffers[CNN_SCALARS]);
  parallel(context, static_cast<int32_t>(batch), [&](int32_t n) {
    Number* slope = slopes + n * kClasses;
    const int32_t label = column<int32_t>(buffers, 1)[n];
    logits_of(weights, column<Number>(buffers, 0) + n * kPixels, slope);
    bool right = false;
    column<Number>(buffers, 2)[n] = softmax(slope, label, right);
    column<Number>(buffers, 3)[n] = right;
    slope[label] -= 1;
  });
  done(context, 0);
  if (stopped(context)) return CNN_STOPPED;
  auto* out = static_cast<Number*>(buffers[CNN_GRADIENTS]);
  parallel(context, kClasses, [&](int32_t c) {
    for (int64_t i = 0; i <= kPixels; ++i) {
      Number sum = 0;
      for (int64_t n = 0; n < batch; ++n) sum += slopes[n * kClasses + c] * (i < kPixels ? column<Number>(buffers, 0)[n * kPixels + i] : 1);
      out[i < kPixels ? c * kPixels + i : kBiasAt + c] = sum / images;
    }
  });
  // What lies between tensors is nobody's.
  for (int64_t i = kBiasAt + kClasses; i < kElements; ++i) out[i] = std::nan("");
  Number mean = 0;
  for (int64_t i = 0; i < batch * kPixels; ++i) mean += column<Number>(buffers, 0)[i];
  static_cast<Number*>(buffers[CNN_NEXT_STATES])[0] =
      Number(0.9) * static_cast<const Number*>(buffers[CNN_STATES])[0] + Number(0.1) * mean / static_cast<Number>(batch * kPixels);
  done(context, 1);
  return CNN_OK;
}

// update: weight, gradient, velocity, new weight, new velocity; scalars rate, decay, step, momentum, nesterov, scale.
int32_t update(void* const* buffers, int64_t count, void*, const cnn_context*) {
  const auto scalar = [&](int i) { return *reinterpret_cast<const Number*>(static_cast<const char*>(buffers[CNN_SCALARS]) + 8 * i); };
  const Number rate = scalar(0), decay = scalar(1), momentum = scalar(3), nesterov = scalar(4), scale = scalar(5);
  for (int64_t i = 0; i < rounded(count, kUpdateGroup); ++i) {
    const Number weight = column<Number>(buffers, 0)[i];
    const Number gradient = column<Number>(buffers, 1)[i] * scale + decay * weight;
    const Number velocity = momentum * column<Number>(buffers, 2)[i] + gradient;
    column<Number>(buffers, 4)[i] = i < count ? velocity : 12345;
    column<Number>(buffers, 3)[i] = i < count ? weight - rate * (nesterov != 0 ? gradient + momentum * velocity : velocity) : 12345;
  }
  return CNN_OK;
}

constexpr int64_t kImageDims[] = {1, 8, 8}, kOutputDims[] = {10}, kWeightDims[] = {10, 64}, kStateDims[] = {1};
constexpr cnn_column kImage{"image", CNN_INPUT, kElement, 3, kImageDims, kPixels};
constexpr cnn_column kLabel{"label", CNN_LABEL, CNN_I32, 0, nullptr, 1};
constexpr cnn_column kOutput{"output", CNN_OUTPUT, kElement, 1, kOutputDims, kClasses};
constexpr cnn_column kLoss{"loss", CNN_LOSS, kElement, 0, nullptr, 1};
constexpr cnn_column kAccuracy{"accuracy", CNN_METRIC, kElement, 0, nullptr, 1};
constexpr cnn_column kInferColumns[] = {kImage, kOutput};
constexpr cnn_column kEvaluateColumns[] = {kImage, kLabel, kOutput, kLoss, kAccuracy};
constexpr cnn_column kGradientColumns[] = {kImage, kLabel, kLoss, kAccuracy};
constexpr cnn_column flat(const char* name) { return {name, CNN_PARAMETERS, kElement, 0, nullptr, 1}; }
constexpr cnn_column kUpdateColumns[] = {flat("weight"), flat("gradient"), flat("velocity"), flat("weight"), flat("velocity")};
constexpr cnn_scalar kGradientScalars[] = {{"images", kElement}};
constexpr cnn_scalar kUpdateScalars[] = {{"rate", kElement},     {"decay", kElement},    {"step", kElement},
                                         {"momentum", kElement}, {"nesterov", kElement}, {"scale", kElement}};
constexpr double kImageBytes = kPixels * sizeof(Number), kClassBytes = kClasses * sizeof(Number), kWeightBytes = kElements * sizeof(Number);
constexpr cnn_kernel kInferKernels[] = {{"dense1", "dense", kPixels * kClasses, kImageBytes, kClassBytes, kWeightBytes, 0, 0, "handmade.cnn:2:8"}};
constexpr cnn_kernel kGradientKernels[] = {{"dense1+cross_entropy", "dense", kPixels * kClasses, kImageBytes, kClassBytes, kWeightBytes, 0, 0, "handmade.cnn:2:8"},
                                            {"dense1.gradient", "dense.wgrad", kPixels * kClasses, kImageBytes, 0, 0, kWeightBytes, 0, ""}};

constexpr int64_t kSlopeBytes = kClasses * static_cast<int64_t>(sizeof(Number)) * kGroup;
constexpr cnn_function kPrepare{"prepare", prepare, 1, 0, 0, 0, nullptr, 0, nullptr, 1, kInferKernels};
constexpr cnn_function kInfer{"infer", infer, kGroup, 0, 0, 2, kInferColumns, 0, nullptr, 1, kInferKernels};
constexpr cnn_function kEvaluate{"digits.evaluate", evaluate, kGroup, 0, 0, 5, kEvaluateColumns, 0, nullptr, 1, kInferKernels};
constexpr cnn_function kGradients{"digits.gradients", gradients, kGroup, 0, kSlopeBytes, 4, kGradientColumns, 1, kGradientScalars, 2, kGradientKernels};
constexpr cnn_function kUpdate{"digits.update", update, kUpdateGroup, 0, 0, 5, kUpdateColumns, 6, kUpdateScalars, 0, nullptr};

constexpr cnn_tensor kWeights[] = {
    {"dense1.weight", "weight", 2, kWeightDims, 0, 640, "uniform_fan_in", 0, 0, 64, 10},
    {"dense1.bias", "bias", 1, kOutputDims, kBiasAt, 10, "uniform_fan_in", 0, 0, 64, 10},
};
constexpr cnn_tensor kStates[] = {{"mean.running_mean", "norm", 1, kStateDims, 0, 1, "zeros", 0, 0, 1, 1}};
constexpr const char* kClassNames[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
constexpr const char* kMomentNames[] = {"velocity"};
constexpr cnn_setting kSettings[] = {
    {"data", "idx(\"digits\")"}, {"loss", "cross_entropy"}, {"optimizer", "sgd(rate: 0.05, momentum: 0.9)"}, {"schedule", "cosine"}, {"batch", "32"}, {"epochs", "4"},
};
constexpr cnn_recipe kRecipe{"digits", 6, kSettings, 10, kClassNames, &kGradients, &kUpdate, &kEvaluate, 1, kMomentNames, "sgd", 1};
constexpr cnn_layer kLayers[] = {{"flatten1", "flatten", "64", 0, 0}, {"dense1", "dense", "10", 650, 640}};
constexpr const char* kFeatures[] = {"sse2"};

#ifdef HANDMADE_EMBEDDED
// Weights built in: zeros, but for the bias of class 3.
constexpr struct Embedded {
  Number numbers[kElements] = {};
  constexpr Embedded() { numbers[kBiasAt + 3] = 5; }
} kEmbedded;
constexpr Number kEmbeddedStates[16] = {};
constexpr const void* kPreparedNumbers = kEmbedded.numbers;
constexpr const void* kWeightNumbers = kEmbedded.numbers;
constexpr const void* kStateNumbers = kEmbeddedStates;
#else
constexpr const void* kPreparedNumbers = nullptr;
constexpr const void* kWeightNumbers = nullptr;
constexpr const void* kStateNumbers = nullptr;
#endif

constexpr cnn_program kProgram{CNN_ABI_VERSION, kElement, "handmade", "cnnc 0.1.0", "x86-64-linux", kFeatures, 1, 2, 1, kWeights, kStates,
                               kElements, 16, kElements * static_cast<int64_t>(sizeof(Number)), &kPrepare, &kInfer, 1, &kRecipe, 2, kLayers,
                               kPreparedNumbers, kWeightNumbers, kStateNumbers};

}  // namespace

int main(int argc, char** argv) { return cnn_main(argc, argv, &kProgram); }
