#!/bin/sh
# Make a virtual environment in which MMAction2's own reader runs beside poisonkit (CPU, about 2.3 GB).
set -eu
python=$1
venv=$2
stamp=$venv/.installed

# Made before, with these pins: nothing to do.
if [ -n "$(find "$stamp" -newer "$0" -newer requirements.lock -newer pyproject.toml 2>/dev/null)" ]; then
    exit 0
fi

echo "Setting up $venv for MMAction2 (minutes; about 2.3 GB) …"
"$python" -m venv "$venv"
pip="$venv/bin/python -m pip install -q --disable-pip-version-check"

# PyPI's torch for Linux brings gigabytes of CUDA libraries: first try the CPU build. Elsewhere PyPI's own will do.
if [ "$(uname -s)" = Linux ]; then
    $pip --no-deps --retries 0 --index-url https://download.pytorch.org/whl/cpu "torch==2.13.0" ||
        echo "The index of CPU builds did not answer: torch comes from the usual package index."
fi
# mmcv-lite has no compiled operators. mmaction2 1.2.0 wants mmcv < 2.2 and forgets to name importlib_metadata.
$pip -c requirements.lock "torch==2.13.0" "mmengine==0.10.7" "mmcv-lite==2.1.0" "mmaction2==1.2.0" importlib_metadata
# Last, because the packages above bring builds of cv2 that want libGL: poisonkit with its locked packages.
sh tools/setup_env.sh "$python" "$venv"

"$venv/bin/python" -c "import mmaction.datasets, poisonkit"
touch "$stamp"
