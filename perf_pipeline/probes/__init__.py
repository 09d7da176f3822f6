"""Probes: watch host, processes, containers, PostgreSQL, Kafka and Redis while a load runs.

| module | probe | source of its readings |
|---|---|---|
| host | HostProbe | `host`, `lo` |
| processes | ProcessProbe | the part: `api`, `worker`, `postgres` ... |
| docker | DockerProbe | the container's name |
| postgres | PostgresProbe | `postgres` |
| kafka | LagProbe | the group, and `topic/partition` |
| redis | RedisProbe | `redis` |

`calibration` times work of its own before and after the load, and never during it.

Add here: one module per thing that can be watched, and its line above. Keep out: load, and
judging what was seen.
"""
