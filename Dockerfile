# One image in which `nox -s reproduce` is the whole story; docs/container.md says how to build and run it.
# The base is named by tag, for people and update robots, and by digest, which is what counts.
ARG BASE_IMAGE=python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE_IMAGE} AS environment
# cuda.lock for a machine with a GPU, cpu.lock for one without.
ARG LOCK=requirements/cuda.lock
ARG SOURCE_DATE_EPOCH=0
# Folder of wheels that no registry has, such as /src/requirements/wheels; uv reads the variable itself.
ARG UV_FIND_LINKS=
# The secret "ca" is a PEM bundle, for sites whose proxy has an authority of its own. Bytecode is checked by
# its hash: by default it holds the time of its source, and no two builds would be alike.
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.pem,required=false \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    --mount=type=bind,source=requirements,target=/src/requirements \
    set -eu; \
    if [ -s /run/secrets/ca.pem ]; then export PIP_CERT=/run/secrets/ca.pem SSL_CERT_FILE=/run/secrets/ca.pem; fi; \
    export SOURCE_DATE_EPOCH PYTHONHASHSEED=0 PYC_INVALIDATION_MODE=UNCHECKED_HASH \
        UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never; \
    python3 -m venv /opt/bootstrap; \
    /opt/bootstrap/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: \
        -r /src/requirements/bootstrap.lock; \
    /opt/bootstrap/bin/uv venv --python "$(command -v python3)" /opt/venv; \
    /opt/bootstrap/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode \
        --require-hashes --require-build-hashes --build-constraints /src/requirements/build.lock \
        -r "/src/${LOCK}"

FROM ${BASE_IMAGE} AS runtime
ARG SOURCE_DATE_EPOCH=0
# /cache and /reports alone are writable; their owner is a number, so that a cluster can see it is not root.
RUN export SOURCE_DATE_EPOCH \
 && groupadd --gid 10001 harness \
 && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin harness \
 && install -d -m 0755 /app \
 && install -d -m 0775 -o harness -g harness /cache /reports
# HOME: whoever runs this, at home nowhere. PYTEST_ADDOPTS, HYPOTHESIS_STORAGE_DIRECTORY: the checkout is read-only.
ENV PATH=/opt/venv/bin:$PATH \
    VIRTUAL_ENV=/opt/venv \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONNOUSERSITE=1 \
    PYTHONHASHSEED=0 \
    CUBLAS_WORKSPACE_CONFIG=:4096:8 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    NOX_DEFAULT_VENV_BACKEND=none \
    PYTEST_ADDOPTS="-p no:cacheprovider" \
    HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis \
    XDG_CACHE_HOME=/cache \
    HF_HOME=/cache/huggingface \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HARNESS_PROFILE=paper \
    HARNESS_STORE=/cache/store \
    HARNESS_REPORTS=/reports
COPY --from=environment /opt/venv /opt/venv
WORKDIR /app
COPY README.md CONTRIBUTING.md GLOSSARY.md CHANGELOG.md CITATION.cff LICENSE ./
COPY pyproject.toml noxfile.py Dockerfile .dockerignore ./
COPY requirements ./requirements
COPY docs ./docs
COPY reports/example ./reports/example
COPY fixtures ./fixtures
COPY tests ./tests
COPY claims ./claims
COPY harness ./harness
# The project is installed where it lies, so that the code in /app is the code that runs; by pip, since uv would
# note the time.
RUN --mount=type=bind,from=environment,source=/opt/bootstrap,target=/opt/bootstrap \
    /opt/bootstrap/bin/python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-index \
        --no-deps --no-build-isolation --no-compile --root-user-action=ignore --editable /app
# Last, since they change with every commit: what `git describe --always --abbrev=40 --dirty` says.
ARG BASE_IMAGE
ARG VCS_REF=unknown
ARG VERSION=0.0.0
ENV HARNESS_COMMIT=${VCS_REF}
LABEL org.opencontainers.image.title="replication-harness" \
      org.opencontainers.image.description="Re-runs arXiv 2507.18918 from public models and reports what it measures" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${VCS_REF}"
USER 10001:10001
VOLUME ["/cache", "/reports"]
CMD ["nox", "-s", "reproduce"]
