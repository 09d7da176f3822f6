"""k6's six executors as configuration: one file holds the keys, rules and description of each.

Source: grafana/k6 lib/executor/*.go. Durations are kept in integer µs. The base class of an
    executor (kinds.py) says which model of the engine runs it, and declares everything that the
    plan needs to know about it.

Add here: an executor, in a file of its own and in `WrittenExecutor` (registry.py). Keep out: when
iterations start (plan/) and who runs them (engine/).
"""
