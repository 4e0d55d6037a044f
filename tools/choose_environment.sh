# What the environment of this checkout is made of and where, from the variables that
# set_up_environment.sh lists; sourced by it.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${MMCTL_VENV:-$ROOT/.venv}"
[[ "$VENV" == /* ]] || VENV="$PWD/$VENV"
ENV_PYTHON="$VENV/bin/python"
STAMP="$VENV/.mmctl-stamp" CHOICE="$VENV/.mmctl-choice"
SET="${MMCTL_SET:-default}" TORCH="${MMCTL_TORCH:-pypi}"
NEEDED="needed: 6.2 GB in $VENV, 3.0 GB in TMPDIR, 3.0 GB of cache (MMCTL_VENV and PIP_CACHE_DIR move them)"

say() { printf '[environment] %s\n' "$*"; }

fail() {
    printf '\n[environment] ERROR: %s\n' "$1" >&2
    if (($# > 1)); then printf '    %s\n' "${@:2}" >&2; fi
    exit 1
}

case "$SET" in # the Pythons that all packages have wheels for, the preferred one first
    default) PYTHONS="3.11 3.12 3.13 3.10" ;;
    pose) PYTHONS="3.11 3.10" ;;
    onedl) PYTHONS="3.12 3.13 3.11 3.10" ;;
    *) fail "MMCTL_SET must be default, pose or onedl, got $SET" ;;
esac
REQUIREMENTS="$ROOT/requirements/environment-$SET.txt"
CONSTRAINTS="$ROOT/requirements/constraints-$SET.txt"
if [[ "$SET" == default ]]; then
    REQUIREMENTS="$ROOT/requirements.txt"
    CONSTRAINTS="$ROOT/requirements/constraints.txt"
fi

# A command of that name may exist and yet not run (pyenv's shims), so each candidate is run.
find_python() {
    local version minor found=() candidates
    read -ra candidates <<<"python${PYTHONS// / python} python3 python"
    if [[ -n "${PYTHON:-}" ]]; then candidates=("$PYTHON"); fi
    for BASE_PYTHON in "${candidates[@]}"; do
        version="$("$BASE_PYTHON" --version 2>/dev/null)" || version="does not run"
        minor="${version#Python }"
        if [[ " $PYTHONS " == *" ${minor%.*} "* ]]; then return; fi
        found+=("$BASE_PYTHON: $version")
    done
    fail "one of Python ${PYTHONS// /, } is needed; the $SET set has no wheels for others." \
        "${found[@]}" "Name one:  PYTHON=/path/to/python3.11 bash ${0##*/}"
}

# PyTorch's other builds have an index of their own and its name in their version.
TORCH_BUILD=()
if [[ "$TORCH" != pypi ]]; then
    mapfile -t TORCH_BUILD <<<"$(sed -nE "s/^(torch|torchvision)==.*/&+$TORCH/p" "$CONSTRAINTS")"
    TORCH_BUILD+=(--extra-index-url "https://download.pytorch.org/whl/$TORCH")
    if command -v uv >/dev/null; then TORCH_BUILD+=(--index-strategy unsafe-best-match); fi
fi
