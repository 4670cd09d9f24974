// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any tensors and metadata as a checkpoint, with the checksum put right, since the fuzzer would not guess it: refused, and the weights
// stay as they were, or a position in training and all weights, statistics and moments of the network. The network has two weights,
// a statistic and a moment.
#include "runtime/program/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "refusal.h"
#include "runtime/formats/safetensors.h"
#include "runtime/program/failure.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

constexpr int64_t kMatrix[] = {2, 3}, kVector[] = {2};
constexpr int64_t kWeightElements = 32, kStateElements = 16;
constexpr cnn_tensor kWeights[] = {{"dense1.weight", "weight", 2, kMatrix, 0, 6, "zeros", 0, 0, 3, 2},
                                   {"dense1.bias", "bias", 1, kVector, 16, 2, "zeros", 0, 0, 3, 2}};
constexpr cnn_tensor kStates[] = {{"norm1.running_mean", "norm", 1, kVector, 0, 2, "zeros", 0, 0, 1, 1}};
constexpr const char* kMoments[] = {"velocity"};

cnn_program network() {
  cnn_program program{};
  program.abi_version = CNN_ABI_VERSION;
  program.element = CNN_F32;
  program.network = "tiny";
  program.compiler = "cnnc";
  program.weights = kWeights;
  program.weight_count = std::size(kWeights);
  program.weight_elements = kWeightElements;
  program.states = kStates;
  program.state_count = std::size(kStates);
  program.state_elements = kStateElements;
  return program;
}

/// A file of this process in memory, where the system has it; removed at the end.
class Scratch {
 public:
  Scratch() {
    std::error_code error;
    const bool memory = std::filesystem::is_directory("/dev/shm", error);
    const std::filesystem::path folder = memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
    path_ = (folder / ("cnnc-fuzz-checkpoint-" + std::to_string(getpid()))).string();
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The same tensors and metadata, with a checksum.
void write_with_checksum(const formats::Safetensors& file, const std::string& path) {
  std::vector<formats::TensorView> views;
  for (const formats::Tensor& tensor : file.tensors) views.push_back({tensor.name, tensor.type, tensor.shape, file.bytes(tensor)});
  formats::Metadata metadata = file.metadata;
  metadata.erase(std::string(formats::kChecksumKey));
  formats::write_safetensors(path, views, metadata, {formats::Rotation::kReplace, true});
}

bool read_back(const std::string& path) {
  constexpr float kBefore = 7;
  const cnn_program program = network();
  std::array<float, kWeightElements> weights, moments;
  std::array<float, kStateElements> states;
  weights.fill(kBefore);
  moments.fill(kBefore);
  states.fill(kBefore);
  runtime::Model model(program);
  model.weights = weights.data();
  model.states = states.data();
  model.moments = moments.data();
  cnn_recipe recipe{};
  recipe.moment_count = std::size(kMoments);
  recipe.moment_names = kMoments;
  try {
    const runtime::TrainingPosition position = runtime::read_checkpoint(path, model, recipe, {{{"batch", "32"}}, 100, 0}).position;
    require(position.step >= 0 && position.epoch >= 0 && position.batch >= 0 && position.samples >= 0, "counts are not negative");
    return true;
  } catch (const runtime::Failure& failure) {
    require(failure.status == runtime::kBadInput, "the input is to blame");
    return false;
  }
}

}  // namespace

bool checkpoint(Bytes bytes) {
  static const Scratch scratch;
  bool whole = false;
  const bool readable = accepted([&] {
    write_with_checksum(formats::parse_safetensors({bytes.begin(), bytes.end()}, "f"), scratch.path());
    whole = read_back(scratch.path());
  });
  return readable && whole;
}

}  // namespace cnnc::fuzz
