# What the scripts that make environments of their own share; sourced by them. They set `python` and `venv` before.
stamp=$venv/.installed
pip="$venv/bin/python -m pip install -q --disable-pip-version-check"

# begin FOR-WHAT: ends the script where the environment was made before, by these pins.
begin() {
    if [ -n "$(find "$stamp" -newer "$0" -newer tools/env_parts.sh -newer requirements.lock -newer pyproject.toml 2>/dev/null)" ]; then
        exit 0
    fi
    echo "Setting up $venv for $1 …"
}

# PyPI's torch for Linux brings gigabytes of CUDA libraries: first try the CPU builds. Elsewhere PyPI's own will do.
cpu_builds() {
    [ "$(uname -s)" = Linux ] || return 0
    $pip --no-deps --retries 0 --index-url https://download.pytorch.org/whl/cpu "$@" ||
        echo "The index of CPU builds did not answer: torch comes from the usual package index."
}

# plain_torchaudio PACKAGE: PyPI's build wants a CUDA torch for its operators; it runs without them.
plain_torchaudio() {
    $pip --no-deps "$1"
    "$venv/bin/python" -c "import torchaudio" 2>/dev/null ||
        find "$venv" -path '*/torchaudio/lib/*.so' -delete
}

# torchcodec wants FFmpeg's libraries; PyAV brings them, under names of its own.
link_ffmpeg() {
    mkdir -p "$venv/ffmpeg"
    for file in "$venv"/lib/python*/site-packages/av.libs/*; do
        file=$(cd "$(dirname "$file")" && pwd)/${file##*/}
        name=${file##*/}
        ln -sf "$file" "$venv/ffmpeg/$name"
        major=${name#*.so.}
        ln -sf "$file" "$venv/ffmpeg/${name%%-*}.so.${major%%.*}"
    done
}
