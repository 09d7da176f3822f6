"""All that is known of each benchmark, in one record each; its name stands nowhere else.

Add here: a benchmark, with one file and its line in registry.py. Keep out: how any of it is done
(workloads/, loading, judging), and numbers (profiles/*.toml).
"""
