"""The times of a run follow from its begin: a clock that is set meanwhile moves none of them."""

import time
from dataclasses import replace
from datetime import timedelta

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline_tests.support.loads.sessions import session_with


def test_now_is_the_begin_and_what_has_gone_by_since() -> None:
    """It began on 2026-01-04; the wall clock of this machine says something else."""
    made = session_with(load_profile("quick"), resolve_target("local", TargetConfig(), {}))
    session = replace(made, began_ns=time.monotonic_ns() - 90_000_000_000)

    first, second = session.now(), session.now()

    assert timedelta(seconds=90) <= first - session.began_at < timedelta(seconds=150)
    assert first <= second
