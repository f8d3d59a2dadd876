#!/bin/sh
# Make a virtual environment in which other people's readers run beside poisonkit, on the CPU: tests/consumers/matrix.py
# has what is installed here. About 3.6 GB, 0.8 of them DALI. `older/` in it holds the last `datasets` before version 4, for
# PYTHONPATH; `ffmpeg/` PyAV's own FFmpeg under the names that torchcodec looks for, for LD_LIBRARY_PATH.
set -eu
python=$1
venv=$2
. tools/env_parts.sh
begin "the readers of other trainers (minutes; about 3.6 GB)"
sh tools/setup_env.sh "$python" "$venv"
# Where the index lacks a package, its tests are skipped and say so.
maybe() { $pip "$@" || echo "Not to be had from this index: $*"; }

cpu_builds "torch==2.13.0" "torchvision==0.28.0"
# The lock file's versions, but for what two consumers want otherwise.
sed '/^fsspec==/d' requirements.lock > "$venv/constraints.txt"
printf 'torch==2.13.0\npandas<3\n' >> "$venv/constraints.txt"
with="$pip -c $venv/constraints.txt"
$with "torch==2.13.0" "datasets==5.2.0" "transformers==5.24.0" accelerate pillow
# Without their dependencies, which are there. PyPI's build of torchvision wants a CUDA torch for its operators, which no
# reader of a dataset needs: tests/consumers/conftest.py declares their schemas.
$pip --no-deps "torchvision==0.28.0"
plain_torchaudio "torchaudio==2.11.1"
maybe --no-deps "torchcodec==0.13.0"
maybe --no-deps "decord==0.6.0"
# The last PyTorchVideo and what its data readers, and PySlowFast's, import.
$with iopath fvcore parameterized simplejson
$pip --no-deps "pytorchvideo==0.1.5"
# MMAction2 without its operators (its own environment, in which it trains, is made by setup_mmaction2.sh).
$with addict yapf einops termcolor matplotlib importlib_metadata scipy
maybe --no-deps "mmengine==0.10.7" "mmcv-lite==2.1.0" "mmaction2==1.2.0"
# The validator of croissant.json.
maybe -c "$venv/constraints.txt" "mlcroissant==1.1.0"
# Sounds. NeMo's dependencies are those of its models, of which its manifests need three.
maybe -c "$venv/constraints.txt" "lhotse==1.33.0" "speechbrain==1.1.2"
$with timm lightning hydra-core omegaconf braceexpand
maybe --no-deps "nemo_toolkit==3.0.0"
$with gast astunparse optree dm-tree makefun six
[ "$(uname -s)" != Linux ] || maybe --no-deps "nvidia-dali-cuda120==2.4.0"
# The last datasets before torchcodec, which wants an older fsspec, dill and multiprocess.
$pip --no-deps --upgrade --target "$venv/older" "datasets==3.6.0" "fsspec==2025.3.0" "dill==0.3.8" "multiprocess==0.70.16"

link_ffmpeg

"$venv/bin/python" -c "import datasets, torch, torchaudio.datasets, transformers, poisonkit"
touch "$stamp"
