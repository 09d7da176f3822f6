"""The queue benchmarks: producing, consuming, and the ceilings of both sides.

Add here: another workload on Kafka. Keep out: starting brokers (stack/), watching them (probes/).
"""
