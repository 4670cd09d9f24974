// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The templates that lower/ knows, as data: names, parameters, legal ranges.
#pragma once
