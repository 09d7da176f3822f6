"""k6's six executors as configuration: one file holds the keys, rules and description of each.

Source: grafana/k6 lib/executor/*.go. Durations are integer µs inside. The base class of an executor
(kinds.py) says which model of the engine runs it, and asks for all that the plan needs to know.

Add here: an executor, in a file of its own and in `WrittenExecutor` (registry.py). Keep out: when
things start (plan/) and who runs them (engine/).
"""
