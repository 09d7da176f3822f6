# HAProxy and PostgreSQL from Debian's packages (.ci/kubernetes/cluster images).
FROM python:3.13-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends haproxy postgresql \
    && rm -rf /var/lib/apt/lists/*
COPY postgres_entrypoint /usr/local/bin/docker-entrypoint.sh
RUN chmod 755 /usr/local/bin/docker-entrypoint.sh
