"""The cache benchmark: what an API asks of a Redis.

Add here: another workload on Redis. Keep out: starting a server (stack/), watching it (probes/).
"""
