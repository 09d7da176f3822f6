"""The Birthday Scheduler: the small, real system that every benchmark here can be run against.

It runs as processes of its own (`python -m perf_pipeline.reference_system.api`, `.relay`,
`.worker`, after `.migrate`), is configured by environment variables only and is described in
docs/reference-system.md. Add here: a part that a message-scheduling system really has. Keep out:
imports of the rest of perf_pipeline, and anything that exists only to look good in a benchmark.
"""
