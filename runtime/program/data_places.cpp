// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Looks for data in the places of data_places.h.
#include "runtime/program/data_places.h"

#include <sys/stat.h>

#include <cstdlib>
#include <vector>

#include "runtime/formats/text.h"
#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

constexpr const char* kSystemFolder = "/usr/share/datasets";  // Debian's packages dataset-*

}  // namespace

std::string find_data(const std::string& path) {
  std::vector<std::string> places = {path};
  if (!path.empty() && path.front() != '/') {
    const char* own = std::getenv("CNNC_DATA");
    if (own && *own) places.push_back(std::string(own) + "/" + path);
    places.push_back(std::string(kSystemFolder) + "/" + path);
  }
  std::string tried;
  for (const std::string& place : places) {
    struct stat information = {};
    if (stat(place.c_str(), &information) == 0) return place;
    tried += (tried.empty() ? "" : ", ") + formats::quote_name(place);
  }
  fail("the data " + formats::quote_name(path) + " is not there; places tried: " + tried,
       "name its place with `--data`, or set the environment variable CNNC_DATA to the folder that it lies in");
}

}  // namespace cnnc::runtime
