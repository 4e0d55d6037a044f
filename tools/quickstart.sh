#!/usr/bin/env bash
# From a fresh machine to a trained and tested model with pictures: makes the environment, then
# runs tools/quickstart.py, to which all arguments go.
#
#     bash tools/quickstart.sh [--help]
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/set_up_environment.sh"
cd "$ROOT"
exec "$ENV_PYTHON" tools/quickstart.py "$@"
