"""Start, find and really stop a real system on this machine: PostgreSQL, Kafka, Redis, reference.

`embedded` is the front door, `parts` its value types; everything else is behind them.
Add here: one module per part of the stack. Keep out: load, measuring, anything of Dagster, and
imports in this file (the guard process imports the package and must stay small).
"""
