# One image for the reference system and for Dagster. Its dependencies are locked with hashes:
# docker/requirements.lock is requirements.lock without the embedded stack and without the tools
# (CONTRIBUTING.md says how both are renewed).
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY docker/build.lock docker/requirements.lock ./docker/
RUN python -m venv /tools \
    && /tools/bin/pip install --require-hashes --requirement docker/build.lock \
    && python -m venv --without-pip /venv \
    && /tools/bin/pip --python /venv/bin/python install --require-hashes --requirement docker/requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY perf_pipeline ./perf_pipeline
RUN /tools/bin/python -m hatchling build --target wheel \
    && /tools/bin/pip --python /venv/bin/python install --no-deps dist/*.whl
# Tests of packages and maps for a debugger are a seventh of all, and nothing here reads them.
RUN find /venv -depth \( -type d -name tests -o -type f -name '*.map' \) -exec rm -rf {} +

FROM ${PYTHON_IMAGE}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DAGSTER_HOME=/dagster PERF_STATE=/state
# Named volumes take over the owner of these folders when they are made.
RUN useradd --uid 10001 --create-home perf \
    && mkdir -p /dagster/storage /state \
    && chown -R perf:perf /dagster /state
COPY --from=build /venv /venv
COPY dagster.yaml docker/workspace.yaml /dagster/
COPY docker/is_connected.py /opt/perf/
USER perf
WORKDIR /state
CMD ["perf-pipeline", "--help"]
