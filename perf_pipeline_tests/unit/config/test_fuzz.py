"""The first seconds of `make fuzz`, always the same cases."""

import time
from itertools import islice

from perf_pipeline_tests.fuzz.profile_fuzz import cases, failure_of

SEED = 9
LIMIT_S = 8.0


def test_whatever_is_written_into_a_profile_ends_in_a_sentence() -> None:
    until_s = time.monotonic() + LIMIT_S
    tried = 0
    for number, case in islice(cases(SEED), 2_000):
        assert failure_of(case) is None, f"make fuzz SEED={SEED}, case {number}"
        tried += 1
        if time.monotonic() > until_s:
            break

    assert tried > 50


def test_an_error_that_is_no_sentence_is_found() -> None:
    def broken() -> None:
        raise RecursionError("deep")

    assert "RecursionError: deep" in (failure_of(broken) or "")
