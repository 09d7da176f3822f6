"""End a command with its exit code, and with one sentence for any exception.

Add here: another way in which a command can end. Keep out: commands.
"""

import io
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from perf_pipeline.cli.refusals import refusal_of
from perf_pipeline.cli.streams import READER_GONE, OutputLostError, safe_streams
from perf_pipeline.errors import ExitCode, PerfPipelineError
from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.files import private_folder
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.secrecy.streams import masked_output

_MOST_LINES: Final = 60


class Commands(click.Group):
    """Report every error in one sentence with its exit code; keep the traceback in a log."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run a command and end the process, whatever happens, as docs/exit-codes.md says."""
        with safe_streams():
            sys.exit(self._ended(args, options))

    def _ended(self, args: tuple[Any, ...], options: dict[str, Any]) -> int | None:
        try:
            with masked_output():
                ended: int | None = super().main(*args, **{**options, "standalone_mode": False})
                sys.stdout.flush()
        except OutputLostError as lost:
            return _tell_lost(lost)
        except (click.exceptions.Abort, KeyboardInterrupt):
            _tell("stopped")
            return ExitCode.STOPPED
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(file=shown)
            click.echo(_shortened(shown.getvalue().rstrip("\n")), err=True)
            return ExitCode.INVALID_CONFIGURATION
        except Exception as error:  # noqa: BLE001 - before there is a command that could answer it
            _end_unexpected(error, None)
        return ended

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn any exception into a sentence."""
        try:
            return super().invoke(ctx)
        except PerfPipelineError as error:
            _tell(str(error))
            sys.exit(error.exit_code)
        except (
            click.ClickException,
            click.exceptions.Exit,
            click.exceptions.Abort,
            OutputLostError,
        ):
            raise
        except Exception as error:  # noqa: BLE001 - the one place where everything else is answered
            refused = refusal_of(error)
            if refused is None:
                _end_unexpected(error, ctx.params.get("state"))
            _tell(refused)
            sys.exit(ExitCode.NOT_MEASURED)


def end_with_verdict(text: str, code: int) -> NoReturn:
    """Print a report and exit by its verdict, even if nobody reads the output."""
    try:
        click.echo(text)
        sys.stdout.flush()
    except OutputLostError as lost:
        _tell_lost(lost)
    sys.exit(code)


def kept_traceback(state: Path) -> str:
    """Write the traceback to a log and say to which; print it if no log can be written."""
    text = KNOWN.mask(traceback.format_exc())
    name = f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}.log"
    for folder in (state / "logs", _temporary()):
        with suppress(OSError):
            log = private_folder(folder) / name
            log.write_text(text, encoding="utf-8", errors="backslashreplace")
            return f"the traceback is in {log}"
    return (
        f"the traceback could not be kept: neither {state / 'logs'} nor a folder for temporary "
        f"files can be written\n{text}"
    )


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir()) / "perf-pipeline-logs"
    except OSError:
        return Path("/proc/nowhere")  # the log cannot be created; the caller goes on


def _end_unexpected(error: Exception, state: Path | None) -> NoReturn:
    what = _shortened(f"unexpected {type(error).__name__}: {_text_of(error)}")
    _tell(f"{what}\n  {kept_traceback(state or Path('.perf'))}")
    sys.exit(ExitCode.UNEXPECTED)


def _text_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error's own text may fail; there is one more to end with
        return "(its text can't be written)"


def _tell_lost(lost: OutputLostError) -> int:
    if lost.is_reader_gone:
        return READER_GONE
    _tell(str(lost))
    return ExitCode.NOT_MEASURED


def _tell(sentence: str) -> None:
    click.echo(f"perf-pipeline: {sentence}", err=True)


def _shortened(sentence: str) -> str:
    """Cut long lines, and leave out what comes after the first ones."""
    lines = sentence.split("\n")
    more = [f"… and {len(lines) - _MOST_LINES:,} more lines"] if len(lines) > _MOST_LINES else []
    return "\n".join([*(on_one_line(line) for line in lines[:_MOST_LINES]), *more])
