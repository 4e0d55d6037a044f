#!/usr/bin/env bash
# Runs the whole suite, from a fresh machine on: environment, ruff, mypy, import-linter, pytest.
#
#     bash tools/run_tests.sh [arguments for pytest]
#     bash tools/run_tests.sh tests/test_functional -k ranking
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/set_up_environment.sh"
cd "$ROOT"

# One worker per core, each with torch in memory (about 1.5 GB), and one thread per worker: more
# threads than cores make torch several times slower.
workers="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
if [[ -r /proc/meminfo ]]; then
    by_memory="$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)"
    if ((by_memory < workers)); then workers="$by_memory"; fi
fi
if ((workers > 8)); then workers=8; fi
if ((workers < 1)); then workers=1; fi
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

failed=()
# Not by their scripts, which name the interpreter's old place in an environment that was moved.
check() {
    local program=(-m "$1")
    if [[ "$1" == lint-imports ]]; then program=("$VENV/bin/lint-imports"); fi # it has no -m
    printf '\n$ %s\n' "$*"
    "$ENV_PYTHON" "${program[@]}" "${@:2}" || failed+=("$*")
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports
check pytest -n "$workers" "$@"

echo
if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}"
    echo "again, the tests that failed only: bash tools/run_tests.sh --last-failed -n 0"
    exit 1
fi
echo "all passed. Next: bash tools/quickstart.sh (draws data, trains and tests), docs/en/get_started.md"
