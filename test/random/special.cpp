// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Networks, data and expectations as files.
#include "test/random/special.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "runtime/formats/npy.h"
#include "support/check.h"
#include "test/random/compare.h"
#include "test/random/data.h"
#include "test/random/generate.h"
#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

constexpr int64_t kImages = 64, kImagesOfLosses = 24, kImagesOfGradients = 8;
/// Numerator and denominator. Infinities stand here twice: they are to meet in windows and sums, in all pairs.
constexpr std::pair<double, double> kSpecial[] = {{0, 0}, {1, 0}, {-1, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}, {100, 1}, {-100, 1}};

/// Denominators are 1, but for one to three special quotients in each image but the first, at random places.
void sprinkle(Tensor& images, int64_t count) {
  const int64_t half = images.count() / 2;
  uint64_t draw = 0;
  const auto below = [&](uint64_t limit) { return random_bits("special", draw++) % limit; };
  for (int64_t image = 0; image < count; ++image) {
    for (int64_t place = 0; place < half; ++place) images.at[images.place(image, half + place)] = exact(1);
    for (uint64_t left = image == 0 ? 0 : 1 + below(3); left > 0; --left) {
      const auto place = static_cast<int64_t>(below(static_cast<uint64_t>(half)));
      const auto& [numerator, denominator] = kSpecial[below(std::size(kSpecial))];
      images.at[images.place(image, place)] = exact(numerator);
      images.at[images.place(image, half + place)] = exact(denominator);
    }
  }
}

void save_bounded(const std::filesystem::path& numbers, const std::filesystem::path& bounds, const Tensor& expected) {
  std::vector<double> errors;
  for (const Bounded& element : expected.at) errors.push_back(kRoundings * element.error);
  formats::write_npy(numbers, shape_of(expected), numbers_of<double>(expected));
  formats::write_npy(bounds, shape_of(expected), errors);
}

Tensor image_of(const Tensor& tensor, int64_t image) {
  Tensor one{tensor.type, {}};
  for (int64_t i = 0; i < tensor.count(); ++i) one.at.push_back(tensor.at[tensor.place(image, i)]);
  return one;
}

/// Loss and gradients of each image by itself: one that is not finite says nothing about the others.
void save_gradients(const std::filesystem::path& folder, const Function& loss, const std::vector<Tensor>& arguments, int64_t images) {
  std::filesystem::create_directories(folder / "gradients");
  std::vector<Tensor> gradients(arguments.size());
  Tensor losses;
  for (int64_t image = 0; image < images; ++image) {
    std::vector<Tensor> one;
    for (const Tensor& argument : arguments) one.push_back(image_of(argument, image));
    const Reference reference = evaluate(loss, one, 1, Mode::Training, {});
    for (size_t i = 0; i < loss.results.size(); ++i) {
      if (loss.results[i].role != Role::Loss) continue;
      losses.type = reference.results[i].type;
      losses.at.push_back(reference.results[i].at.at(0));
    }
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Tensor& gradient = reference.gradients[i];
      gradients[i].type = {gradient.type.element, true, gradient.type.dims};
      gradients[i].at.insert(gradients[i].at.end(), gradient.at.begin(), gradient.at.end());
    }
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = loss.arguments[i].name;
    const std::filesystem::path numbers = folder / "gradients" / (name + ".npy"), bounds = folder / "gradients" / (name + ".bounds.npy");
    if (loss.arguments[i].role == Role::Weight) save_bounded(numbers, bounds, gradients[i]);
  }
  save_bounded(folder / "expected.npy", folder / "bounds.npy", losses);
}

void save_column(const std::filesystem::path& path, const Tensor& tensor) {
  if (tensor.type.element == ElementType::I32) {
    const auto numbers = numbers_of<int32_t>(tensor);
    formats::write_npy(path, formats::ElementType::I32, shape_of(tensor), std::as_bytes(std::span(numbers)));
  } else {
    formats::write_npy(path, shape_of(tensor), numbers_of<float>(tensor));
  }
}

/// `role`: of the result that is expected.
void write_case(const std::filesystem::path& folder, const RandomProgram& program, Role role, int64_t images) {
  std::filesystem::create_directories(folder);
  const std::string text = to_text(program);
  std::ofstream(folder / "random.cnn") << text;
  const auto module = analyse_text(text, ElementType::F32);
  CNNC_CHECK(module, "a generated network is valid");
  const Function& function = role == Role::Loss ? *module->find(module->recipes.at(0).name + ".loss") : *module->find("network");
  std::vector<Tensor> arguments = argument_values(*module, function, images);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (function.arguments[i].role == Role::Input) {
      sprinkle(arguments[i], images);
      save_column(folder / "images.npy", arguments[i]);
    } else if (function.arguments[i].role == Role::Label) {
      save_column(folder / "labels.npy", arguments[i]);
    }
  }
  save_weights(folder / "weights.safetensors", function, arguments);
  const WithRoundingUnit unit(kRoundings * kSingle);
  infinities_are_certain = true;
  if (role == Role::Loss) {
    save_gradients(folder, function, arguments, images);
    return;
  }
  const Reference reference = evaluate(function, arguments, images, Mode::Inference, {});
  for (size_t i = 0; i < function.results.size(); ++i)
    if (function.results[i].role == role) save_bounded(folder / "expected.npy", folder / "bounds.npy", reference.results[i]);
}

}  // namespace

void write_special_cases(const std::string& folder, uint64_t seed) {
  const auto write = [&](const char* name, const std::vector<RandomProgram>& programs, Role role, int64_t images) {
    for (size_t i = 0; i < programs.size(); ++i) write_case(std::filesystem::path(folder) / fmt::format("{}_{}", name, i), programs[i], role, images);
  };
  write("layers", generate_each_layer(seed), Role::Output, kImages);
  write("loss", generate_each_loss(seed), Role::Loss, kImagesOfLosses);
  write("gradient", generate_each_gradient(seed), Role::Loss, kImagesOfGradients);
}

}  // namespace cnnc::random_programs
