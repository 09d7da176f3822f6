"""Render a comparison of two sides as a comment for a pull request.

Add here: something that matters for the decision to merge. Keep out: the plot (duet_html.py).
"""

from perf_pipeline.analysis.duet_record import DuetRecord
from perf_pipeline.report.duet_words import (
    HEADINGS,
    facts_of,
    outcome_of,
    rows_of,
    sentences_of,
)
from perf_pipeline.report.markdown import escaped


def render_duet_markdown(record: DuetRecord) -> str:
    """Return the comparison as Markdown; every value from outside is escaped."""
    lines = [f"### {escaped(outcome_of(record))}", ""]
    lines += [f"- {name}: {escaped(text)}" for name, text in facts_of(record)]
    lines.append("")
    if rows := list(rows_of(record)):
        lines += [_row(HEADINGS), _row(["---"] * len(HEADINGS))]
        lines += [_row([str(escaped(cell)) for cell in row.cells]) for row in rows]
        lines.append("")
    lines += [f"- {escaped(sentence)}" for sentence in sentences_of(record)]
    return "\n".join(lines).rstrip() + "\n"


def _row(cells: "tuple[str, ...] | list[str]") -> str:
    return f"| {' | '.join(cells)} |"
