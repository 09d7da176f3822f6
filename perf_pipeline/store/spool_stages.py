"""Work out from a benchmark's spool where its slowest messages spent their time.

Add here: another figure over the stations of all messages. Keep out: percentiles of one stage
(they are metrics, from ledger_sql.py), and which stage is too slow (analysis/).
"""

from pathlib import Path
from typing import Final

from perf_pipeline.metrics.totals import StageFigures
from perf_pipeline.store.ledger_sql import STAGES, stations
from perf_pipeline.store.spool_figures import has_rows, spooled

_PREFIX: Final = "stage_"
_MEANS: Final = ", ".join(f"avg({value}) / 1000.0" for value in STAGES.values())
_TAIL: Final = f"""
with passed as ({stations("spooled")}),
measured as (
    select *, completed_us - intended_us as latency_us from passed
    where intended_us >= ? and intended_us < ?
)
select {_MEANS} from measured
where latency_us >= (select quantile_cont(latency_us, 0.9) from measured)
"""
# Both sums run over all messages, also of the warm-up: they use the same hands. A worker's hands
# are as many as were ever full at once; between two messages a hand is empty for a moment, so
# nine tenths of them count as all.
_SATURATION: Final = f"""
with passed as (
    select * from ({stations("spooled")})
    where published_us is not null and received_us is not null
),
moves as (
    select published_us as at_us, 1 as waiting, 0 as held from passed
    union all select received_us, -1, 1 from passed
    union all select completed_us, 0, -1 from passed
),
moments as (select at_us, sum(waiting) as waiting, sum(held) as held from moves group by at_us),
spans as (
    select sum(waiting) over (order by at_us) as waiting, sum(held) over (order by at_us) as held,
        lead(at_us) over (order by at_us) - at_us as span_us
    from moments
),
hands as (select max(held) as held from spans)
select sum(waiting * span_us) filter (spans.held >= 0.9 * hands.held - 0.5)
        / nullif(sum(waiting * span_us), 0)
from spans, hands where span_us > 0
"""


def stages_from_spool(folder: Path, from_us: int, until_us: int) -> StageFigures:
    """Work out the stages' figures; empty without a message that was intended and completed.

    Args:
        folder: the folder of the benchmark.
        from_us: the tail counts only messages that were intended from here on.
        until_us: and before this.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    if not has_rows(folder, "ledger"):
        return StageFigures()
    with spooled(folder, "ledger") as connection:
        means = connection.execute(_TAIL, [from_us, until_us]).fetchone() or ()
        saturation = connection.execute(_SATURATION).fetchone()
    names = (metric.removeprefix(_PREFIX) for metric in STAGES)
    pairs = zip(names, means, strict=False)
    tail_ms = {name: float(value) for name, value in pairs if value is not None}
    ratio = saturation[0] if saturation else None
    return StageFigures(tail_ms, None if ratio is None else float(ratio))
