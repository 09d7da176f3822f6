"""Workloads: what an iteration of each benchmark does to the target, and the clients they use.

Add here: one file per benchmark, implementing `engine.ports.Workload`. Keep out: when iterations
start (plan/, engine/), thresholds (metrics/), and anything that only watches (probes/).
"""
