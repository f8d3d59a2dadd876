#!/bin/sh
# Make a virtual environment with poisonkit and what a user would take instead, for `make bench` (about 1.5 GB, most of it
# torch). All of it comes from the package index. What cannot be installed is skipped: `skipped/NAME` says why.
# `ffmpeg/` has PyAV's own FFmpeg under the names that torchcodec looks for, for LD_LIBRARY_PATH.
set -eu
python=$1
venv=$2
stamp=$venv/.installed

# Made before, with these pins: nothing to do.
if [ -n "$(find "$stamp" -newer "$0" -newer requirements.lock -newer pyproject.toml 2>/dev/null)" ]; then
    exit 0
fi

echo "Setting up $venv for the benchmark's rivals (minutes; about 1.5 GB) …"
sh tools/setup_env.sh "$python" "$venv"
pip="$venv/bin/python -m pip install -q --disable-pip-version-check"
rm -rf "$venv/skipped"
mkdir -p "$venv/skipped" "$venv/ffmpeg"

# rival NAME MODULE PACKAGES…: the name, a module that has to be importable, and what pip is told.
rival() {
    name=$1 module=$2
    shift 2
    if $pip "$@" 2>"$venv/log" && "$venv/bin/python" -c "import $module" 2>>"$venv/log"; then
        return
    fi
    grep -v '^ *$' "$venv/log" | tail -n 1 | cut -c 1-200 > "$venv/skipped/$name"
    echo "Skipped: $name ($(cat "$venv/skipped/$name"))"
}

# The lock file's versions; OpenCV is there, and no second one comes with another package.
sed '/^opencv/d' requirements.lock > "$venv/constraints.txt"
rival moviepy moviepy -c "$venv/constraints.txt" proglog "tqdm<5" python-dotenv imageio pillow
rival moviepy moviepy --no-deps "moviepy==2.2.1"
$pip -c "$venv/constraints.txt" "stringzilla>=3.10" "simsimd>=5.9" || echo "albucore's helpers are not to be had."
rival albumentations albumentations --no-deps "albumentations==2.0.8" "albucore==0.0.24"

# PyPI's torch for Linux brings gigabytes of CUDA libraries: first try the CPU builds. Elsewhere PyPI's own will do.
if [ "$(uname -s)" = Linux ] && ! $pip --no-deps --retries 0 --index-url https://download.pytorch.org/whl/cpu "torch==2.13.0" 2>/dev/null; then
    echo "The index of CPU builds did not answer: torch comes from the usual package index."
fi
for file in "$venv"/lib/python*/site-packages/av.libs/*; do
    file=$(cd "$(dirname "$file")" && pwd)/${file##*/}
    name=${file##*/}
    ln -sf "$file" "$venv/ffmpeg/$name"
    major=${name#*.so.}
    ln -sf "$file" "$venv/ffmpeg/${name%%-*}.so.${major%%.*}"
done
export LD_LIBRARY_PATH="$PWD/$venv/ffmpeg"
rival torchcodec torch -c "$venv/constraints.txt" "torch==2.13.0"
[ -e "$venv/skipped/torchcodec" ] || rival torchcodec torchcodec.encoders --no-deps "torchcodec==0.13.0"

# AugLy's requirements are of 2022; what its videos need is asked for without versions.
$pip -c "$venv/constraints.txt" iopath ffmpeg-python python-magic vidgear nlpaug torchvision 2>/dev/null || true
$pip --no-deps "torchaudio==2.11.1" 2>/dev/null || true
rival augly augly.video --no-deps "augly==1.0.0"
rm -f "$venv/log"
touch "$stamp"
