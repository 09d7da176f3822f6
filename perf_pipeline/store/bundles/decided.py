"""Write what people and the gate decided about runs as small texts that travel beside the runs.

A decision can come long after its run was shared, so that it is no part of the run's files. Each
text is named after its own digest: two machines that share the same decision write the same file.
Add here: another kind of decision. Keep out: what follows from it (judging/, analysis/).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, fields
from hashlib import sha256
from heapq import merge
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from perf_pipeline.errors import StoreError
from perf_pipeline.store.baselines import (
    CONFIRMED,
    BaselineRow,
    ChangePointRow,
    SeriesKey,
    changes,
    decide,
    decisions,
    store_changes,
)
from perf_pipeline.store.begun_run import utc_timestamp
from perf_pipeline.store.ingest import transaction

if TYPE_CHECKING:
    from perf_pipeline.store.history import History

CHANGE: Final = "change"
"""Begins the names of changes of level, which only a history with their run takes."""

_FORGET_ALL: Final = "delete from baselines"
_TEXTS: Final = frozenset(field.name for field in fields(BaselineRow))
_ACTIONS: Final = frozenset({"pinned", "unpinned", "accepted"})


def decided_texts(history: "History") -> dict[str, str]:
    """Return all decisions and confirmed changes of level as texts, by the name of each file."""
    found = [_text("decision", asdict(row)) for row in decisions(history)]
    found += [_text(CHANGE, asdict(row)) for row in changes(history) if row.found_by in CONFIRMED]
    return {name_of(text): text for text in found}


def name_of(text: str) -> str:
    """Return the name of a text's file: its kind, its run, and the digest of the text."""
    row = read_decided(text)
    kind = "decision" if isinstance(row, BaselineRow) else CHANGE
    return f"{kind}.{quote(row.run_id, safe='')}.{sha256(text.encode()).hexdigest()}"


def take_decided(history: "History", texts: Sequence[str]) -> int:
    """Store decisions and changes that the history does not have; return how many were new.

    Decisions are put among those that are there by their dates, each history's own in their order.

    Raises:
        StoreError: a text is none of these.
    """
    known = decided_texts(history)
    new = [read_decided(text) for text in texts if name_of(text) not in known]
    given = [row for row in new if isinstance(row, BaselineRow)]
    run_ids = history.run_ids()
    stored = {_place(row) for row in changes(history)}
    dated = [
        row
        for row in new
        if isinstance(row, ChangePointRow) and row.run_id in run_ids and _place(row) not in stored
    ]
    with transaction(history.connection):
        if given:
            # It takes the earlier of the two next ones, and so keeps the order of each side.
            merged = [*merge(decisions(history), sorted(given, key=_moment), key=_moment)]
            history.connection.execute(_FORGET_ALL)
            for row in merged:
                decide(history, row)
        store_changes(history, dated)
    return len(given) + len(dated)


def read_decided(text: str) -> BaselineRow | ChangePointRow:
    """Read a text that `decided_texts` wrote.

    Raises:
        StoreError: it is none of these.
    """
    try:
        found: dict[str, Any] = json.loads(text)
        kind = found.pop("kind")
        if kind == "decision":
            return _decision(found)
        if kind == CHANGE:
            return _change(found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"it is not a decision: {error}") from error
    raise StoreError(f"it is not a decision, but of the kind {kind!r}")


def _decision(found: Mapping[str, Any]) -> BaselineRow:
    if found.keys() != _TEXTS or not all(map(_is_text, found.values())):
        raise ValueError("its keys are not those of a decision")
    row = BaselineRow(**found)
    if row.action not in _ACTIONS:
        raise ValueError(f"nobody decides {row.action!r}")
    _moment(row)
    return row


def _change(found: Mapping[str, Any]) -> ChangePointRow:
    row = ChangePointRow(**{**found, "series": SeriesKey(**found["series"])})
    if row.found_by not in CONFIRMED or not all(map(_is_text, (row.run_id, *astuple(row.series)))):
        raise ValueError("its values are not those of a change")
    return row


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _moment(row: BaselineRow) -> str:
    moment = utc_timestamp(row.made_at)
    return moment.isoformat() if moment else ""


def _place(row: ChangePointRow) -> tuple[object, ...]:
    return (row.run_id, *astuple(row.series), row.found_by)


def _text(kind: str, values: Mapping[str, object]) -> str:
    return json.dumps({"kind": kind, **values}, sort_keys=True)
