"""One record for each benchmark with everything known about it; nothing else mentions its name.

Add here: a benchmark, with one file and its line in registry.py. Keep out: carrying it out
(workloads/, loading/, judging/), and numbers (profiles/*.toml).
"""
