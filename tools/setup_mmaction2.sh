#!/bin/sh
# Make a virtual environment in which MMAction2's own reader runs beside poisonkit (CPU, about 2.3 GB).
set -eu
python=$1
venv=$2
. tools/env_parts.sh
begin "MMAction2 (minutes; about 2.3 GB)"
"$python" -m venv "$venv"

cpu_builds "torch==2.13.0"
# mmcv-lite has no compiled operators. mmaction2 1.2.0 wants mmcv < 2.2 and forgets to name importlib_metadata.
$pip -c requirements.lock "torch==2.13.0" "mmengine==0.10.7" "mmcv-lite==2.1.0" "mmaction2==1.2.0" importlib_metadata
# Last, because the packages above bring builds of cv2 that want libGL: poisonkit with its locked packages.
sh tools/setup_env.sh "$python" "$venv"

"$venv/bin/python" -c "import mmaction.datasets, poisonkit"
touch "$stamp"
