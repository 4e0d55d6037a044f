#!/usr/bin/env bash
# Trains under Slurm:
#     GPUS=8 bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of tools/train.py]
# GPUS: processes in all; GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS as usual.
# STOP_SECONDS before the time limit Slurm sends SIGUSR1: the run saves a snapshot and ends with
# status 85, and goes on with --resume. docs/en/long_runs.md has a batch script with --requeue.
set -euo pipefail
if (($# < 4)); then
    echo "usage: bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments]" >&2
    exit 2
fi
partition=$1 job_name=$2 config=$3 work_dir=$4
shift 4
gpus=${GPUS:-8}
gpus_per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
# This checkout first, installed or not; then the user's own modules, or the folder this starts in.
export PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}"
# SRUN_ARGS holds several words on purpose.
# shellcheck disable=SC2086
exec srun --partition="$partition" --job-name="$job_name" \
    --gres="gpu:$gpus_per_node" --ntasks="$gpus" --ntasks-per-node="$gpus_per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-8}" --kill-on-bad-exit=1 \
    --signal="USR1@${STOP_SECONDS:-120}" ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$config" \
    --work-dir "$work_dir" --launcher slurm "$@"
