"""A comparison of two sides as JSON, for programs.

Add here: a member; none changes its meaning. Keep out: words for people (duet_words.py).
"""

import json
import math
from typing import Any

from perf_pipeline.analysis.duet_record import SIDES, DuetLoadRecord, DuetRecord
from perf_pipeline.analysis.duet_verdict import ComparedStatistic, OperationVerdict
from perf_pipeline.report.duet_words import answer_of


def render_duet_json(record: DuetRecord) -> str:
    """Return the comparison as JSON text; unknown values are null, and none is infinite."""
    members = {
        "kind": "duet",
        "run_id": record.run_id,
        "profile": record.profile,
        "seed": record.seed,
        "began_at": record.began_at,
        "verdict": record.told_verdict,
        "answer": answer_of(record),
        "is_not_slower": record.is_not_slower,
        "exit_code": int(record.exit_code),
        "margin": record.rules.margin,
        "alpha": record.rules.alpha,
        "limit_s": record.limit_s,
        "sides": {
            name: {"what": what, **facts}
            for name, what, facts in zip(SIDES, record.sides, record.revisions, strict=True)
        },
        "loads": [_load(load) for load in record.loads],
    }
    return json.dumps(members, indent=2, ensure_ascii=False, allow_nan=False)


def _load(load: DuetLoadRecord) -> dict[str, Any]:
    return {
        "benchmark": load.benchmark,
        "step": load.step,
        "verdict": str(load.verdict),
        "measured_s": load.measured_s,
        "dropped": dict(zip(SIDES, load.dropped, strict=True)),
        "limits": list(load.limits),
        "pauses": list(load.pauses),
        "problems": list(load.problems),
        "operations": [_operation(operation) for operation in load.finding.operations],
    }


def _operation(operation: OperationVerdict) -> dict[str, Any]:
    return {
        "operation": operation.operation,
        "verdict": str(operation.verdict),
        "reason": operation.reason,
        "requests": dict(zip(SIDES, operation.requests, strict=True)),
        "failed": dict(zip(SIDES, operation.failed, strict=True)),
        "wrong": dict(zip(SIDES, operation.wrong, strict=True)),
        "seconds_needed": _finite(operation.seconds_needed),
        "statistics": {
            str(comparison.statistic): _statistic(comparison) for comparison in operation.compared
        },
    }


def _statistic(compared: ComparedStatistic) -> dict[str, Any]:
    ratio = compared.ratio
    return {
        "verdict": str(compared.verdict),
        "baseline": compared.baseline,
        "candidate": compared.candidate,
        "ratio": ratio and ratio.estimate,
        "low": ratio and _finite(ratio.low or math.inf),
        "high": ratio and _finite(ratio.high),
        "blocks": ratio.blocks if ratio else 0,
        "margin": compared.margin,
    }


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value
