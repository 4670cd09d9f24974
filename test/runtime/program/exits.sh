#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs a command and succeeds if it ends with the wanted status: exits.sh STATUS COMMAND…
wanted=$1
shift
"$@"
status=$?
if [ "$status" -ne "$wanted" ]; then
  echo "exits.sh: the status is $status, not $wanted" >&2
  exit 1
fi
