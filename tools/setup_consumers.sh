#!/bin/sh
# Make a virtual environment in which the readers of other trainers run beside poisonkit: torchvision, torchaudio,
# PyTorchVideo and Hugging Face's datasets (CPU, about 2 GB). MMAction2's own is made by setup_mmaction2.sh; webdataset is in the lock file.
set -eu
python=$1
venv=$2
stamp=$venv/.installed

# Made before, with these pins: nothing to do.
if [ -n "$(find "$stamp" -newer "$0" -newer requirements.lock -newer pyproject.toml 2>/dev/null)" ]; then
    exit 0
fi

echo "Setting up $venv for torchvision, torchaudio, PyTorchVideo and Hugging Face datasets (minutes; about 2 GB) …"
sh tools/setup_env.sh "$python" "$venv"
pip="$venv/bin/python -m pip install -q --disable-pip-version-check"

# PyPI's torch for Linux brings gigabytes of CUDA libraries: first try the CPU builds. Elsewhere PyPI's own will do.
if [ "$(uname -s)" = Linux ]; then
    $pip --no-deps --retries 0 --index-url https://download.pytorch.org/whl/cpu "torch==2.13.0" "torchvision==0.28.0" ||
        echo "The index of CPU builds did not answer: torch comes from the usual package index."
fi
# The last datasets that builds an audiofolder without torchcodec; it wants an older fsspec than the
# lock file has, and an older pandas than the newest to read metadata.csv.
sed '/^fsspec==/d' requirements.lock > "$venv/constraints.txt"
$pip -c "$venv/constraints.txt" "torch==2.13.0" "datasets==3.6.0" "pandas<3" pillow
# Without its dependencies, which are there. PyPI's build of it wants a CUDA torch for its operators, which no reader
# of a dataset needs: tests/consumers/conftest.py declares their schemas.
$pip --no-deps "torchvision==0.28.0"
# The same of torchaudio, which runs without its operators where their files are not there.
$pip --no-deps "torchaudio==2.11.1"
"$venv/bin/python" -c "import torchaudio" 2>/dev/null ||
    find "$venv" -path '*/torchaudio/lib/*.so' -delete
# The last PyTorchVideo, and what its data readers import.
$pip -c "$venv/constraints.txt" iopath fvcore parameterized
$pip --no-deps "pytorchvideo==0.1.5"

"$venv/bin/python" -c "import datasets, torch, torchaudio.datasets, poisonkit"
touch "$stamp"
