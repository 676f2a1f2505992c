# One image in which `nox -s reproduce` is the whole story; docs/container.md says how to build and run it.
# Without a target this is the image that runs; `--target test` adds the tests and what they take.
# The base is named by tag, for people and update robots, and by digest, which is what counts.
ARG BASE_IMAGE=python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE_IMAGE} AS environment
# cuda.lock for drivers from 580 on, cuda12.lock for older ones, cpu.lock for a machine without a GPU.
ARG LOCK=requirements/cuda.lock
ARG SOURCE_DATE_EPOCH=0
# Folder of wheels that no registry has, such as /src/requirements/wheels; uv reads the variable itself.
ARG UV_FIND_LINKS=
# The secret "ca" is a PEM bundle, for sites whose proxy has an authority of its own. Bytecode is checked by
# its hash: by default it holds the time of its source, and no two builds would be alike. No dependency is looked
# for: a lock is whole, and leaves out what libraries name and never load here.
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
    /opt/bootstrap/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode --no-deps \
        --require-hashes --require-build-hashes --build-constraints /src/requirements/build.lock \
        -r "/src/${LOCK}"; \
    cp /src/requirements/wandb.py /opt/venv/lib/python3.11/site-packages/

FROM ${BASE_IMAGE} AS run
ARG SOURCE_DATE_EPOCH=0
# /cache and /reports alone are writable, once they are mounted; their owner is a number, so that a cluster can see it
# is not root. They are no volumes: an engine would make one that nobody asked for, and --rm take the results with it.
RUN export SOURCE_DATE_EPOCH \
 && groupadd --gid 10001 harness \
 && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin harness \
 && install -d -m 0755 /app \
 && install -d -m 0775 -o harness -g harness /cache /reports
# HOME: whoever runs this, at home nowhere. PYTEST_ADDOPTS: the checkout is read-only.
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
    XDG_CACHE_HOME=/cache \
    HF_HOME=/cache/huggingface \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HARNESS_PROFILE=paper \
    HARNESS_STORE=/cache/store \
    HARNESS_REPORTS=/reports \
    HARNESS_MOUNTS=/cache:/reports
COPY --from=environment /opt/venv /opt/venv
WORKDIR /app
COPY README.md LICENSE CITATION.cff pyproject.toml noxfile.py ./
COPY docs ./docs
COPY fixtures ./fixtures
COPY claims ./claims
COPY harness ./harness
# The project is installed where it lies, so that the code in /app is the code that runs; by pip, since uv would
# note the time. Then all that is installed is listed.
RUN --mount=type=bind,from=environment,source=/opt/bootstrap,target=/opt/bootstrap \
    /opt/bootstrap/bin/python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-index \
        --no-deps --no-build-isolation --no-compile --root-user-action=ignore --editable /app \
 && /opt/bootstrap/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
        --output-format JSON --output-file sbom.cdx.json /opt/venv/bin/python
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
CMD ["nox", "-s", "reproduce"]

FROM run AS test
# Beside what runs: all that only tests take, and what the libraries name and never load.
USER 0:0
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.pem,required=false \
    --mount=type=cache,target=/root/.cache/uv,sharing=locked \
    --mount=type=bind,from=environment,source=/opt/bootstrap,target=/opt/bootstrap \
    --mount=type=bind,source=requirements,target=/src/requirements \
    set -eu; \
    if [ -s /run/secrets/ca.pem ]; then export SSL_CERT_FILE=/run/secrets/ca.pem; fi; \
    export PYC_INVALIDATION_MODE=UNCHECKED_HASH UV_LINK_MODE=copy; \
    /opt/bootstrap/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode --no-deps \
        --require-hashes --require-build-hashes --build-constraints /src/requirements/build.lock \
        -r /src/requirements/test.lock
ENV HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis
COPY CONTRIBUTING.md GLOSSARY.md CHANGELOG.md Dockerfile .dockerignore apptainer.def ./
COPY requirements/*.py requirements/*.lock ./requirements/
COPY reports/example ./reports/example
COPY tests ./tests
USER 10001:10001
CMD ["nox", "-s", "tests"]

FROM run AS image
