# poisonkit in a container, for job arrays and clusters (docs/clusters.md):
#   docker build -t poisonkit .
#   docker run --rm -v /data:/data --user "$(id -u):$(id -g)" poisonkit poison /data/clips -o /data/bad -t blend --rate 0.1
FROM python:3.12-slim
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY poisonkit poisonkit
# What was tested is what is installed: the lock file, with the OpenCV that needs no libGL.
RUN sed 's/^opencv-python==/opencv-python-headless==/' requirements.lock > /tmp/lock \
    && pip install --no-cache-dir -r /tmp/lock \
    && pip install --no-cache-dir --no-deps --no-build-isolation . \
    && rm -rf /tmp/lock /src
WORKDIR /data
ENV XDG_STATE_HOME=/tmp/state NUMBA_CACHE_DIR=/tmp/numba
ENTRYPOINT ["poisonkit"]
CMD ["--help"]
