"""The end of a command that judges: its report on the screen, and its exit code.

Add here: nothing but what every such command does. Keep out: the report itself (report/).
"""

import shutil
import sys
from typing import Any

from perf_pipeline.cli.endings import end_with_verdict


def finish(report: Any) -> None:
    """Print the report of a run and end by its verdict."""
    from perf_pipeline.report.terminal import render_terminal

    end_with_verdict(render_terminal(report, _width(), color=sys.stdout.isatty()), report.exit_code)


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns
