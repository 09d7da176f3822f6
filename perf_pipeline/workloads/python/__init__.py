"""Scenarios that people write in Python, behind the face of perf_pipeline.scenario.

Add here: what such code is given. Keep out: HTTP itself (workloads/http/).
"""
