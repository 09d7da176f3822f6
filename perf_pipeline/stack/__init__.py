"""Start, find and reliably stop a real system on this machine: PostgreSQL, Kafka, Redis, reference.

`embedded` is the entry point, and `parts` has its value types; other modules are internal.
Add here: one module per part of the stack. Keep out: load, measuring, Dagster, and imports in this
file, because the guard process imports the package and must stay small.
"""
