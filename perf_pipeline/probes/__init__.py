"""Probes: watch host, processes, containers, PostgreSQL, Kafka and Redis while a load runs.

| module | probe | source of its readings |
|---|---|---|
| host | HostProbe | `host`, `lo` |
| processes | ProcessProbe | the part: `api`, `worker`, `postgres` ... |
| docker | DockerProbe | the container's name |
| postgres | PostgresProbe | `postgres` |
| kafka | LagProbe | the group, and `topic/partition` |
| redis | RedisProbe | `redis` |

`calibration` times fixed work before and after the load, never during it.

Add here: a module for another thing to watch, and its line above. Keep out: load, and judging
readings.
"""
