"""What two sides promised and delivered, joined: whose ids they are, and where nobody can tell.

Add here: another reason why what was seen can't be compared. Keep out: real workers
(cli/test_duet_workers.py).
"""

from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.loading.deliveries import Collected, write_ledger
from perf_pipeline.loading.followed_sides import is_followed, joined
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent
from perf_pipeline_tests.support.loads.sessions import session_with

_STATIONS = (LedgerEvent.INTENDED, LedgerEvent.ACKNOWLEDGED, LedgerEvent.COMPLETED)


def _folders(tmp_path: Path, *ids: str) -> list[Path]:
    """Write a ledger for each side, whose one message passed each station after 1 ms more."""
    made = []
    for number, message_id in enumerate(ids):
        folder = tmp_path / f"side-{number}"
        folder.mkdir()
        write_ledger(
            folder / "ledger-1.csv",
            [LedgerEntry(message_id, event, 1_000 * at) for at, event in enumerate(_STATIONS)],
        )
        made.append(folder)
    return made


@pytest.mark.parametrize(
    ("ids", "is_one_place", "limited", "told"),
    [
        (("a", "a"), True, True, False),
        (("a", "a"), False, False, True),
        (("a", "b"), True, False, False),
    ],
    ids=["the same in one place", "the same in two places", "others"],
)
def test_ids_that_both_sides_promised_are_told_and_compared_only_in_two_places(
    tmp_path: Path, ids: tuple[str, str], is_one_place: bool, limited: bool, told: bool
) -> None:
    both = [lambda: Collected(is_known=True)] * 2

    found = joined(both, _folders(tmp_path, *ids), is_one_place=is_one_place)

    assert (found.deliveries is None, len(found.limits)) == (limited, int(limited))
    assert len(found.problems) == int(told)
    for sentence in (*found.limits, *found.problems):
        assert sentence.startswith("1 message ids were promised by both sides, such as 'a', and ")


def _session(dsn: str, **plan: Any) -> Session:
    scenario = {"exec": "create_user", "duration": "1s", "parameters": {"ledger": True}, **plan}
    raw = {"name": "users", "benchmarks": {"end_to_end": {"scenarios": {"create": scenario}}}}
    profile = validate_profile(raw, "users.toml")
    variables = {"PERF_POSTGRES_DSN": dsn}
    return session_with(
        profile, resolve_target(profile.target, profile.targets.get(profile.target), variables)
    )


@pytest.mark.parametrize(
    ("plan", "is_so"),
    [
        ({"executor": "constant-arrival-rate", "rate": 1, "preAllocatedVUs": 1}, True),
        ({"executor": "constant-vus", "vus": 1}, False),
    ],
    ids=["rate", "virtual users"],
)
def test_messages_of_two_systems_are_followed_only_at_a_rate(
    plan: dict[str, Any], is_so: bool
) -> None:
    sides = [_session(f"postgresql://127.0.0.1/{name}", **plan) for name in ("old", "new")]

    assert is_followed(sides, "end_to_end") is is_so
