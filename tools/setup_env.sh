#!/bin/sh
# Make the virtual environment from the lock file: what was tested is what is installed.
set -eu
python=$1
venv=$2

"$python" - <<'PY' || exit 2
import sys
if not ((3, 11) <= sys.version_info[:2] <= (3, 15)):
    sys.exit(f"poisonkit needs Python 3.11 to 3.15; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 …")
PY

echo "Setting up $venv (about a minute) …"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check -r requirements.lock
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .

# opencv-python needs the system's libGL; its headless twin does not, and poisonkit opens no window.
if ! "$venv/bin/python" -c "import cv2" 2>/dev/null; then
    version=$("$venv/bin/python" -m pip list --format=freeze | sed -n 's/^opencv-python==//p')
    echo "This system lacks libGL: opencv-python-headless $version takes the place of opencv-python."
    "$venv/bin/python" -m pip uninstall -q -y opencv-python
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps "opencv-python-headless==$version"
    "$venv/bin/python" -c "import cv2"
fi
