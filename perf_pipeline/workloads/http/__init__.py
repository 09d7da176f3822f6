"""HTTP for load tests: connections, bytes, timestamps, and the result of each request.

Add here: something that every HTTP workload needs. Keep out: the source of requests (steps/,
python/).
"""
