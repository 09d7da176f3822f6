"""Scenarios that a profile writes as steps of HTTP requests.

Add here: what a step can do. Keep out: HTTP itself (workloads/http/).
"""
