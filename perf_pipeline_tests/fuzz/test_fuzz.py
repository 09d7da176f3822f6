"""The first seconds of `make fuzz`, always the same cases of each kind."""

import time
from itertools import islice
from pathlib import Path

import pytest

from perf_pipeline_tests.fuzz.cases import KINDS, cases, failure_of
from perf_pipeline_tests.fuzz.files_fuzz import whole_case

SEED = 9
LIMITS_S = {"profile": 5.0, "toml": 2.0, "csv": 1.0, "target": 2.0, "command": 3.0, "spool": 1.0}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_given_ends_in_a_sentence(kind: str, tmp_path: Path) -> None:
    until_s = time.monotonic() + LIMITS_S[kind]
    tried = 0
    for number, case in islice(cases(SEED, tmp_path, kind), 2_000):
        assert failure_of(case) is None, f"case {number} of seed {SEED}, kind {kind}"
        tried += 1
        if time.monotonic() > until_s:
            break

    assert tried > 3


def test_files_that_nobody_damaged_are_read(tmp_path: Path) -> None:
    whole_case(tmp_path)()


def test_the_same_seed_gives_the_same_cases(tmp_path: Path) -> None:
    def drawn() -> list[str]:
        return [case.__qualname__ for _, case in islice(cases(SEED, tmp_path), 40)]

    assert drawn() == drawn()
    assert len(set(drawn())) >= 5


def test_an_error_that_is_no_sentence_is_found() -> None:
    def broken() -> None:
        raise RecursionError("deep")

    assert "RecursionError: deep" in (failure_of(broken) or "")
