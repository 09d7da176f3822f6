"""The database benchmark, and the seeded rows that other benchmarks read.

Add here: another workload on PostgreSQL. Keep out: starting a server (stack/).
"""
