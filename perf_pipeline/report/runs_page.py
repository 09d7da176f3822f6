"""The page of all runs, with a link to the report of each, and the page that asks for the token.

Add here: what another reader of the list needs. Keep out: the list (judging/listing.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from perf_pipeline.report.embedded import embedded
from perf_pipeline.report.pages import html_escaped, page

_FORMS: Final = "; form-action 'self'"


@dataclass(frozen=True, slots=True)
class _RunRow:
    """Hold a row of the list: its cells, and where its report is."""

    run_id: str
    link: str
    cells: tuple[str, ...]


def render_runs(where: str, rows: Sequence[Sequence[str]], trouble: str = "") -> str:
    """Return the page of runs, the newest first.

    Args:
        where: names their history.
        rows: cells of each run, as `list` has them; the first is its id, the third its profile.
        trouble: why the page may be out of date; empty where it is not.
    """
    runs = [_RunRow(row[0], f"runs/{quote(row[0], safe='')}", (*row[1:],)) for row in rows]
    newest: dict[str, str] = {}
    for run in runs:
        newest.setdefault(run.cells[1], run.link)
    return page(
        "runs.html",
        html_escaped,
        **{
            **embedded(()),
            "connects": _FORMS,
            "title": "Runs",
            "where": where,
            "trouble": trouble,
            "runs": runs,
            "trends": list(newest.items()),
        },
    )


def render_door(form: str, *, is_wrong: bool = False) -> str:
    """Return the page that asks for the token.

    Args:
        form: address that the token is sent to.
        is_wrong: another token was given before.
    """
    return page(
        "door.html",
        html_escaped,
        **{
            **embedded(()),
            "connects": _FORMS,
            "title": "perf-pipeline serve",
            "form": form,
            "is_wrong": is_wrong,
        },
    )
