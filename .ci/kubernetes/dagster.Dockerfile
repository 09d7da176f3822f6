# The image of the Dockerfile, with what starts Dagster's runs as Jobs (docs/fleet.md).
FROM perf-pipeline:local
USER root
RUN python -m venv /tools \
    && /tools/bin/pip --python /venv/bin/python install --no-cache-dir dagster-k8s==0.29.27 \
    && rm -rf /tools
USER perf
