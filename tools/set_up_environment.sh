#!/usr/bin/env bash
# Makes the Python environment of this checkout, or brings it up to date: a virtual environment in
# .venv (or $MMCTL_VENV) with the tested versions of everything, and mmctl itself in editable mode.
#
#     bash tools/set_up_environment.sh
#
# quickstart.sh and run_tests.sh source this file and then use $ENV_PYTHON. Knobs, all optional:
#     PYTHON=/path/to/python3.11   the interpreter to build on
#     MMCTL_VENV=/path             where the environment lies
#     TMPDIR, PIP_CACHE_DIR, ...   as for any program and pip
#     MMCTL_SKIP_SPACE_CHECK=1     do not compare free disk space with the need
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${MMCTL_VENV:-$ROOT/.venv}"
[[ "$VENV" == /* ]] || VENV="$PWD/$VENV"
ENV_PYTHON="$VENV/bin/python"
STAMP="$VENV/.mmctl-stamp"
LOG="$VENV/.mmctl-install.log"

# Measured with the versions in requirements/constraints.txt, in MB: the finished environment, and
# the downloads, which pip keeps once in $TMPDIR until all are installed and once in its cache.
INSTALLED_MB=5800
DOWNLOADS_MB=3000

say() { printf '[environment] %s\n' "$*"; }

fail() {
    printf '\n[environment] ERROR: %s\n' "$1" >&2
    shift
    if (($#)); then printf '    %s\n' "$@" >&2; fi
    exit 1
}

# What the environment depends on; the stamp in it says for which of these it was made.
fingerprint() {
    {
        cat "$ROOT/requirements.txt" "$ROOT"/requirements/*.txt "$ROOT/setup.py" \
            "$ROOT/pyproject.toml" "$ROOT/mmctl/version.py"
        echo "$ROOT"
        "$ENV_PYTHON" --version
    } 2>&1 | cksum
}

is_up_to_date() {
    [[ -f "$STAMP" ]] && "$ENV_PYTHON" --version >/dev/null 2>&1 &&
        [[ "$(cat "$STAMP")" == "$(fingerprint)" ]]
}

# A command of that name may exist and yet not run (pyenv's shims), so each candidate is run.
version_of() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null
}

find_python() {
    local candidate version candidates=(python3.11 python3.10 python3 python) found=()
    if [[ -n "${PYTHON:-}" ]]; then candidates=("$PYTHON"); fi
    for candidate in "${candidates[@]}"; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        if ! version="$(version_of "$candidate")"; then
            found+=("found: $candidate, which does not run")
        elif [[ "$version" != 3.10.* && "$version" != 3.11.* ]]; then
            found+=("found: $candidate, which is Python $version")
        elif ! "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            found+=("found: $candidate, Python $version, but without its venv module (on Debian"
                "       and Ubuntu: apt install python${version%.*}-venv)")
        else
            BASE_PYTHON="$(command -v "$candidate")"
            BASE_VERSION="$version"
            return
        fi
    done
    if ((${#found[@]} == 0)); then found=("found: none of ${candidates[*]}"); fi
    fail "Python 3.10 or 3.11 is needed; the pinned packages have no wheels for others." \
        "${found[@]}" \
        "Install Python 3.11 (your system's packages, pyenv, conda or uv all have it), or name an" \
        "interpreter:  PYTHON=/path/to/python3.11 bash ${0##*/}"
}

existing_parent() {
    local path="$1"
    while [[ ! -e "$path" ]]; do path="$(dirname "$path")"; done
    printf '%s\n' "$path"
}

megabytes_in() { if [[ -d "$1" ]]; then du -sm "$1" 2>/dev/null | cut -f1; else echo 0; fi; }

gigabytes() { awk -v mb="$1" 'BEGIN { printf "%.1f GB", mb / 1000 }'; }

# Folders may share a file system, so their needs are summed by mount point first.
check_space() {
    local tmp="${TMPDIR:-/tmp}" cache="${PIP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pip}"
    local folders=("$VENV" "$tmp") needs=("$INSTALLED_MB" "$DOWNLOADS_MB")
    local i j line mount free total parts missing
    needs[0]=$((INSTALLED_MB - $(megabytes_in "$VENV")))
    if [[ -z "${PIP_NO_CACHE_DIR:-}" ]]; then
        folders+=("$cache")
        needs+=($((DOWNLOADS_MB - $(megabytes_in "$cache"))))
    fi
    local mounts=() frees=()
    for i in "${!folders[@]}"; do
        line="$(df -Pk "$(existing_parent "${folders[i]}")" | tail -n 1)"
        mounts+=("$(awk '{ print $6 }' <<<"$line")")
        frees+=($(($(awk '{ print $4 }' <<<"$line") * 1024 / 1000000)))
        if ((needs[i] < 0)); then needs[i]=0; fi
    done
    for i in "${!folders[@]}"; do
        mount="${mounts[i]}" free="${frees[i]}" total=0 parts=()
        for j in "${!folders[@]}"; do
            [[ "${mounts[j]}" == "$mount" ]] || continue
            total=$((total + needs[j]))
            parts+=("    $(gigabytes "${needs[j]}") in ${folders[j]}")
        done
        if ((free < total)); then
            missing="needed $(gigabytes "$total"), free $(gigabytes "$free") on $mount"
            fail "not enough disk space: $missing" "Needed are" "${parts[@]}" \
                "Free some space, or move a part to a larger disk: MMCTL_VENV=/path for the" \
                "environment, TMPDIR=/path for downloads, PIP_CACHE_DIR=/path for pip's cache" \
                "(PIP_NO_CACHE_DIR=1 does without). MMCTL_SKIP_SPACE_CHECK=1 skips this check."
        fi
    done
}

make_venv() {
    local version
    WORK="installing packages: $(gigabytes "$DOWNLOADS_MB") to download, 2 to 15 minutes"
    if version="$(version_of "$ENV_PYTHON")" && [[ "$version" == 3.1[01].* ]] &&
        "$ENV_PYTHON" -m pip --version >/dev/null 2>&1; then
        say "keeping the environment in $VENV (Python $version)"
        WORK="installing what is missing or has changed"
        return
    fi
    if [[ -e "$VENV" && ! -f "$VENV/pyvenv.cfg" && -n "$(ls -A "$VENV" 2>/dev/null)" ]]; then
        fail "$VENV exists and is no virtual environment; it is left alone." \
            "Move it away, or choose another place:  MMCTL_VENV=/path bash ${0##*/}"
    fi
    say "making $VENV with $BASE_PYTHON (Python $BASE_VERSION)"
    local output
    if ! output="$("$BASE_PYTHON" -m venv --clear "$VENV" 2>&1)"; then
        fail "making the virtual environment in $VENV failed." "$(tail -n 5 <<<"$output")" \
            "Check that the folder can be written and the disk is not full, or choose another" \
            "interpreter (PYTHON=/path/to/python3.11) or place (MMCTL_VENV=/path)."
    fi
}

# pip draws its own progress on a terminal. Elsewhere its output goes to the log, with a sign of
# life every half minute.
run_pip() {
    local arguments=(-m pip install --disable-pip-version-check --no-input "$@") job ticks=0
    if [[ -t 1 ]]; then
        PIP_USER=0 "$ENV_PYTHON" "${arguments[@]}" 2>"$LOG"
        return
    fi
    PIP_USER=0 "$ENV_PYTHON" "${arguments[@]}" --progress-bar off >"$LOG" 2>&1 &
    job=$!
    trap 'kill "$job" 2>/dev/null' EXIT
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.2
        if ((++ticks % 150 == 0)); then say "  ... $(tail -n 1 "$LOG" | cut -c1-90)"; fi
    done
    trap - EXIT
    wait "$job"
}

explain_pip_failure() {
    local step="$1" advice
    local again="Run the same command again afterwards: finished downloads come from pip's cache."
    tail -n 15 "$LOG" >&2
    if grep -qiE 'no space left|errno 28|disk quota' "$LOG"; then
        advice="The disk is full. Free some space, or use MMCTL_VENV, TMPDIR or PIP_CACHE_DIR for
    a larger disk (about $(gigabytes "$INSTALLED_MB") for the environment, $(gigabytes "$DOWNLOADS_MB") for downloads)."
    elif grep -qiE 'connection|timed out|name resolution|max retries|proxy|ssl|network' "$LOG"; then
        advice="The package index could not be reached, or a download broke off. Check the network
    and, behind a proxy, HTTPS_PROXY. A mirror is set in pip's own configuration (pip config
    --help)."
    elif grep -qiE 'no matching distribution|could not find a version|ResolutionImpossible' "$LOG"; then
        advice="The package index answers but lacks one of the pinned versions. If pip is set to a
    mirror (pip config list), the mirror may be out of date. The wheels are for Linux on x86_64;
    this machine is $(uname -s) on $(uname -m)."
    else
        advice="pip's last lines are above."
    fi
    fail "step '$step' failed." "$advice" "$again" "The whole output: $LOG"
}

install_packages() {
    # Editable installs without setup.py develop came with pip 21.3.
    if "$ENV_PYTHON" -c 'import pip, sys; sys.exit([int(n) for n in pip.__version__.split(".")[:2]] >= [21, 3])'; then
        say "updating pip"
        run_pip 'pip>=22.3' || explain_pip_failure "updating pip"
    fi
    say "$WORK"
    run_pip -r "$ROOT/requirements.txt" || explain_pip_failure "installing packages"
    say "installing mmctl in editable mode (${SECONDS} s so far)"
    run_pip --no-deps --no-build-isolation -e "$ROOT" || explain_pip_failure "installing mmctl"
}

# The usual build of OpenCV needs libraries of a desktop, which servers and containers lack. The
# headless build of the same version replaces its files.
check_opencv() {
    local error version
    if error="$("$ENV_PYTHON" -c 'import cv2' 2>&1)"; then return; fi
    if [[ "$error" != *"shared object file"* ]]; then
        fail "importing OpenCV fails." "$(tail -n 3 <<<"$error")"
    fi
    version="$("$ENV_PYTHON" -c 'import importlib.metadata as m; print(m.version("opencv-python"))')"
    say "OpenCV misses a desktop library ($(tail -n 1 <<<"$error" | cut -c1-80))"
    say "installing its headless build $version in place of it"
    run_pip --no-deps --force-reinstall "opencv-python-headless==$version" ||
        explain_pip_failure "installing OpenCV without desktop libraries"
    if ! error="$("$ENV_PYTHON" -c 'import cv2' 2>&1)"; then
        fail "importing OpenCV fails, with its headless build too." "$(tail -n 3 <<<"$error")" \
            "Install the system library that the line above names."
    fi
}

set_up_environment() {
    if is_up_to_date; then
        say "up to date: $VENV"
        return
    fi
    SECONDS=0
    find_python
    if [[ -z "${MMCTL_SKIP_SPACE_CHECK:-}" ]]; then check_space; fi
    make_venv
    rm -f "$STAMP" # until everything is done, an interrupted run is begun again
    install_packages
    check_opencv
    fingerprint >"$STAMP"
    say "ready after ${SECONDS} s: $VENV"
}

set_up_environment
