#!/usr/bin/env bash
# Trains on several GPUs (or CPU processes) of one or more machines:
#     bash tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# Several machines: NNODES, NODE_RANK, MASTER_ADDR (the first machine's address) and PORT.
set -euo pipefail
if (($# < 2)); then
    echo "usage: bash tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]" >&2
    exit 2
fi
config=$1 gpus=$2
shift 2
# This checkout first, installed or not; then the user's own modules, or the folder this starts in.
export PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}"
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
