"""A duet in the history says why each verdict is what it is, also when its samples are gone.

Add here: another question that its rows answer. Keep out: verdicts (unit/analysis/test_duet.py).
"""

import pytest

from perf_pipeline.analysis.duet_blocks import BlockStatistic
from perf_pipeline.analysis.duet_record import DuetLoadRecord, DuetRecord
from perf_pipeline.analysis.duet_verdict import (
    ComparedStatistic,
    DuetFinding,
    DuetRules,
    DuetVerdict,
    OperationVerdict,
)
from perf_pipeline.store.duets import write_duet
from perf_pipeline.store.history import History


@pytest.mark.parametrize(
    ("verdict", "reason", "wrong", "stored"),
    [
        (
            *(DuetVerdict.FAILS_MORE, "", (0, 60)),
            "answers that failed a check: 0 of 60 of the baseline, 60 of 60 of the candidate",
        ),
        (
            *(DuetVerdict.NOT_MEASURED, "why", (36, 0)),
            "why; answers that failed a check: 36 of 60 of the baseline, 0 of 60 of the candidate",
        ),
        (DuetVerdict.NOT_MEASURED, "why", (0, 0), "why"),
    ],
)
def test_wrong_answers_are_in_the_stored_reason(
    history: History, verdict: DuetVerdict, reason: str, wrong: tuple[int, int], stored: str
) -> None:
    compared = ComparedStatistic(BlockStatistic.MEDIAN, None, 4.0, 2.0, 0.02)
    operation = OperationVerdict(
        "get", verdict, (compared,), (60, 60), (0, 0), 60.0, reason, wrong=wrong
    )
    load = DuetLoadRecord("orders", 1, DuetFinding((operation,)), 60.0)
    write_duet(
        history,
        DuetRecord(
            run_id="20260104-000000-abcdef",
            profile="shop",
            seed=7,
            began_at="2026-01-04T00:00:00+00:00",
            sides=("http://127.0.0.1:1", "http://127.0.0.1:2"),
            rules=DuetRules(),
            limit_s=180.0,
            loads=(load,),
            revisions=({}, {}),
        ),
    )

    found = history.connection.execute("select operation_verdict, reason from duet_verdicts")
    assert found.fetchall() == [(str(verdict), stored)]
