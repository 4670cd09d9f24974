// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of templates.
#include "schedule/templates.h"

namespace cnnc {}
