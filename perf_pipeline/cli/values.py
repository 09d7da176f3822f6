"""The values that a command takes: the id of a run, a line of text, a number, the state folder.

An empty value is refused: it probably comes from an unset shell variable, and using "the last run"
instead would give the verdict of another run.
Add here: another kind of value. Keep out: the values of a profile (config/).
"""

import errno
import math
import os
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from perf_pipeline.metrics.run_tags import run_tag
from perf_pipeline.quoting import is_utf8, shown
from perf_pipeline.units import US_PER_S, parse_duration_us

_LONGEST_RUN_ID: Final = 200  # the id is a folder's name, and needs room for a suffix
_Parameter = click.Parameter | None
_Context = click.Context | None


class Text(click.ParamType[str]):
    """Take any text that a file can hold."""

    name = "text"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> str:
        """Refuse a text that is not UTF-8."""
        text = str(value)
        if not is_utf8(text):
            self.fail(f"{shown(text)} is not UTF-8", param, ctx)
        return text


class Line(Text):
    """Take one line that people read: not empty, printable, and not longer than a limit.

    Args:
        most: the largest number of characters.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> str:
        """Return the line without the blanks around it."""
        text = super().convert(value, param, ctx).strip()
        if not text:
            self.fail("it is empty", param, ctx)
        if not text.isprintable():
            self.fail(f"{shown(text)} is not one line of printable letters", param, ctx)
        if len(text) > self._most:
            wrong = f"it has {len(text):,} characters, and {self._most:,} is the most"
            self.fail(wrong, param, ctx)
        return text


class RunId(Text):
    """Take the id of a run, which is also the name of a folder."""

    name = "run_id"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> str:
        """Refuse a text that cannot be the id of a run."""
        text = super().convert(value, param, ctx)
        if not text.strip():
            remedy = "name a run" if param is None or param.required else _LEAVE_OUT
            self.fail(f"it is empty; {remedy}", param, ctx)
        is_name = text.isprintable() and "/" not in text and text not in {".", ".."}
        if not is_name or len(text.encode()) > _LONGEST_RUN_ID:
            self.fail(f"no run has an id like {shown(text)}", param, ctx)
        return text

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click calls it so
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete `latest` and runs with files, newest first, without opening the history."""
        state = ctx.find_root().params.get("state") or Path(".perf")
        found = {path.name for folder in ("spool", "reports") for path in state.glob(f"{folder}/*")}
        names = ["latest", *sorted(found, reverse=True)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


_LEAVE_OUT: Final = "leave it out for the last run, or name a run"


class RunTag(click.ParamType[tuple[str, str]]):
    """Take a tag of a run, `NAME=VALUE`."""

    name = "tag"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> tuple[str, str]:
        """Refuse a text that is not such a pair."""
        try:
            return value if isinstance(value, tuple) else run_tag(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Out(click.ParamType[tuple[str, str]]):
    """Take a receiver of figures, `KIND=URL`."""

    name = "out"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> tuple[str, str]:
        """Refuse a text that names no kind of receiver; the URL is checked with the profile."""
        from perf_pipeline.config.outputs import read_out

        try:
            return value if isinstance(value, tuple) else read_out(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Number(click.FloatRange):
    """Take a number within bounds, but never `nan`, which no bound excludes."""

    name = "number"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> Any:
        """Refuse a text that is not a number, or is out of bounds."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{shown(value)} is not a number", param, ctx)
        return number


class WholeNumber(click.IntRange):
    """Take a whole number within bounds."""

    name = "whole number"


class Seconds(click.ParamType[float]):
    """Take a duration longer than zero, and convert it to seconds."""

    name = "duration"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> float:
        """Refuse a text that is not a duration, and a duration of zero."""
        try:
            seconds = parse_duration_us(value) / US_PER_S
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0:
            self.fail(f"{shown(value)} is not longer than 0; write one like '60s'", param, ctx)
        return seconds


class Share(click.ParamType[float]):
    """Take a share above zero, as `2%` or as `0.02`."""

    name = "share"
    _MOST = 0.5

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> float:
        """Refuse a text that is not a number, zero, and more than half."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{shown(text)} is not a percentage; write one like '2%'", param, ctx)
        if not 0 < share <= self._MOST:
            self.fail(f"{shown(text)} is not above 0% and up to 50%", param, ctx)
        return share


class Age(Seconds):
    """Take the age of a run as a duration with its unit, since nobody means 90 ms by 90."""

    name = "age"

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> float:
        """Refuse a number without a unit, too."""
        text = str(value).strip()
        if text[-1:].isdigit() or text[-1:] == ".":
            self.fail(f"{shown(text)} has no unit; write one like '90d' or '12h'", param, ctx)
        return super().convert(text, param, ctx)


class DurationText(Seconds):
    """Take a duration longer than zero, and keep it as it was written."""

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> Any:
        """Refuse what `Seconds` refuses."""
        super().convert(value, param, ctx)
        return value


class StateFolder(click.Path):
    """Take the state folder, which need not exist yet."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: _Parameter, ctx: _Context) -> Any:
        """Refuse a path that cannot be a folder, such as that of a file."""
        text = os.fsdecode(value)
        if not text.strip():
            self.fail("it is empty; name a folder, or leave it out", param, ctx)
        if not is_utf8(text):
            wrong = f"{shown(text, 300)} is not UTF-8, and DuckDB opens no such file; name another"
            self.fail(wrong, param, ctx)
        if (why := _why_no_path(text)) is not None:
            self.fail(f"{shown(text, 300)} can't be a folder: {why}", param, ctx)
        return super().convert(value, param, ctx)


def _why_no_path(text: str) -> str | None:
    try:
        os.lstat(text)
    except ValueError as error:
        return str(error)
    except OSError as error:
        return error.strerror if error.errno in {errno.ENAMETOOLONG, errno.ELOOP} else None
    return None
