"""Store a comparison of two sides in the history, and write every form of its report.

Add here: a form of the report, in `_FORMS`. Keep out: layout (report/) and SQL (store/).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.duet_record import DuetRecord
from perf_pipeline.errors import StoreError
from perf_pipeline.report.duet_html import render_duet_html
from perf_pipeline.report.duet_json import render_duet_json
from perf_pipeline.report.duet_junit import render_duet_junit
from perf_pipeline.report.duet_markdown import render_duet_markdown
from perf_pipeline.store.duets import write_duet
from perf_pipeline.store.state import State

_FORMS: Final[Mapping[str, Callable[[DuetRecord], str]]] = MappingProxyType(
    {
        "report.md": render_duet_markdown,
        "report.html": render_duet_html,
        "summary.json": render_duet_json,
        "junit.xml": render_duet_junit,
    }
)


def publish_duet(state: State, record: DuetRecord) -> None:
    """Write every form of the report, then store the comparison.

    Raises:
        StoreError: the disk does not take a report.
        StoreBusyError: the history is open elsewhere; the reports are written.
    """
    folder = state.reports(record.run_id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, render in _FORMS.items():
            (folder / name).write_text(render(record), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{folder} can't be written: {error.strerror}; the verdict is {record.told_verdict}",
            hint="make room or change its permissions, then run the duet again",
        ) from error
    with state.history() as history:
        write_duet(history, record)
