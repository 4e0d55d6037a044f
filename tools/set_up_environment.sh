#!/usr/bin/env bash
# Makes the Python environment of this checkout, or brings it up to date: a virtual environment in
# .venv with the tested versions of everything and mmctl in editable mode, by uv where it is
# installed and by venv and pip elsewhere. quickstart.sh and run_tests.sh source this file.
#
#     PYTHON=/path/to/python3.12   the interpreter to build on
#     MMCTL_VENV=/path             another place for the environment
#     MMCTL_SET=pose | onedl       another set of versions: with mmpose, or with forks of OpenMMLab
#     MMCTL_TORCH=cpu | cu126 ...  PyTorch's build of that name; without it PyPI's, for CUDA
#     TMPDIR, PIP_CACHE_DIR, ...   as for any program, pip and uv
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/choose_environment.sh"

# What the environment depends on; the stamp in it says for which of these it was made.
fingerprint() {
    {
        cat "$ROOT/requirements.txt" "$ROOT"/requirements/*.txt "$ROOT/setup.py" \
            "$ROOT/pyproject.toml" "$ROOT/mmctl/version.py"
        echo "$ROOT $SET $TORCH" && "$ENV_PYTHON" --version
    } 2>&1 | cksum
}

make_venv() {
    if [[ -e "$VENV" && ! -f "$VENV/pyvenv.cfg" && -n "$(ls -A "$VENV" 2>/dev/null)" ]]; then
        fail "$VENV exists and is no virtual environment; it is left alone." \
            "Move it away, or choose another place:  MMCTL_VENV=/path bash ${0##*/}"
    fi
    find_python
    say "making $VENV with $BASE_PYTHON; $NEEDED"
    local make=("$BASE_PYTHON" -m venv --clear)
    if command -v uv >/dev/null; then make=(uv venv --clear --python "$BASE_PYTHON"); fi
    "${make[@]}" "$VENV" || fail "making the virtual environment in $VENV failed, see above." \
        "Debian and Ubuntu keep the module in a package of its own: apt install python3-venv"
}

install() {
    local pip=("$ENV_PYTHON" -m pip install --disable-pip-version-check --no-input)
    if command -v uv >/dev/null; then pip=(uv pip install --python "$ENV_PYTHON"); fi
    say "$1"
    PIP_USER=0 "${pip[@]}" "${@:2}" || fail "step '$1' failed, see above." "If a disk is full, $NEEDED" \
        "Behind a proxy set HTTPS_PROXY; a mirror is set in pip's own configuration (pip config --help)." \
        "The same command goes on afterwards: finished downloads come from the cache."
}

# The usual build of OpenCV needs libraries of a desktop, which servers and containers lack.
check_opencv() {
    local error version
    if error="$("$ENV_PYTHON" -c 'import cv2' 2>&1)"; then return; fi
    [[ "$error" == *"shared object file"* ]] || fail "importing OpenCV fails." "$error"
    version="$("$ENV_PYTHON" -c 'import importlib.metadata as m; print(m.version("opencv-python"))')"
    install "OpenCV misses a desktop library: its headless build takes its place" \
        --no-deps --force-reinstall "opencv-python-headless==$version"
    "$ENV_PYTHON" -c 'import cv2' || fail "importing OpenCV fails, with its headless build too."
}

if [[ -f "$STAMP" && "$(cat "$STAMP")" == "$(fingerprint)" ]]; then
    say "up to date: $VENV"
else
    # Packages of one set stay behind when another is installed over it, so it is made anew; an
    # environment that others made has neither file and is kept.
    if ! "$ENV_PYTHON" -c '' 2>/dev/null || { [[ -f "$STAMP" || -f "$CHOICE" ]] &&
        [[ "$(cat "$CHOICE" 2>/dev/null)" != "$SET $TORCH" ]]; }; then make_venv; fi
    rm -f "$STAMP" # until everything is done, an interrupted run is begun again
    echo "$SET $TORCH" >"$CHOICE"
    install "installing packages, 2 to 15 minutes" -r "$REQUIREMENTS" "${TORCH_BUILD[@]}"
    install "installing mmctl in editable mode" --no-deps --no-build-isolation -e "$ROOT"
    check_opencv
    fingerprint >"$STAMP"
    say "ready after $SECONDS s: $VENV"
fi
