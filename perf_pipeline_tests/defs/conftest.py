"""Fixtures of Dagster's tests; only they import dagster, which takes a second."""

from perf_pipeline_tests.defs.fix_whole_run import whole_run

__all__ = ["whole_run"]
