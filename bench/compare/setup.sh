#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# setup.sh [FOLDER]: makes the environment of the peers (default: build/peers), about 4 GB, some minutes. Safe to repeat.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-$here/../../build/peers}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/requirements.txt"
for module in torch onnxruntime openvino ncnn MNN; do
  if "$folder/bin/python" -c "import $module" >/dev/null 2>&1; then echo "$module is there"
  else echo "$module cannot be imported: it will be left out" >&2; fi
done
