"""Command lines by the thousand: each ends with a code that docs/exit-codes.md knows, never 1.

What would start servers or loads carries an argument that is always refused.
Add here: a command, or a value that people might give. Keep out: odd profiles (profile_fuzz.py).
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline_tests.fuzz.profile_fuzz import TEXTS
from perf_pipeline_tests.support.commands.signals import signals_as_they_were

_CODES: Final = frozenset({0, 97, 98, 99, 104, 105})
# The first argument of what must not run makes it refuse, whatever follows.
_REFUSED: Final = ("--set", "no_such_key=1")
_COMMANDS: Final = (
    ("report",), ("judge",), ("ingest",), ("compare",), ("lineage",), ("changes",), ("backtest",),
    ("sql",), ("status",), ("baseline",), ("baseline", "pin"), ("baseline", "unpin"),
    ("baseline", "accept"), ("baseline", "list"), ("list",), ("show",), ("prune", "--dry-run"),
    ("run", *_REFUSED), ("up", *_REFUSED),
    ("doctor", *_REFUSED), ("ui", "--no-such-option"), ("nosuch",), (),
)  # fmt: skip
_OPTIONS: Final = (
    "--profile", "--set", "--only", "--confirm", "--csv", "--rows", "--timeout", "--name",
    "--reason", "--metric", "--alpha", "--min-effect", "--port", "--help", "--version",
    "--tag", "--keep", "--older-than", "--limit", "--json", "--full", "--", "-", "-x",
    "--nosuch", "--name=", "--rows=5",
)  # fmt: skip
_VALUES: Final = (
    "r1", "r2", "r", "quick", "ci", "nosuch.toml", "0", "-1", "1", "2", "nan", "inf", "1e999",
    "0.01", "1s", "90d", "env=a", "-1s",
    "9" * 400, "select 1", "select * from runs", "select", "drop table runs",
    "select * from read_csv('/etc/passwd')", "http_req_duration", "seed=1", "=", "a.b=[",
    "end_to_end", "v1", "why", "/nowhere/at/all", "/dev/null", "..", "~",
)  # fmt: skip
_ARGUMENTS: Final = (_OPTIONS, _VALUES, _VALUES, TEXTS)


def command_case(chance: random.Random, state: Path) -> Callable[[], object]:
    """Give the call of a command with arguments that somebody may have typed, or not."""
    odd = [chance.choice(chance.choice(_ARGUMENTS)) for _ in range(chance.randint(0, 5))]
    # A process can have no NUL in its arguments.
    arguments = [*chance.choice(_COMMANDS), *(text.replace("\0", "") for text in odd)]

    def call() -> None:
        with signals_as_they_were():
            result = CliRunner().invoke(
                main, ["--state", str(state), *arguments], prog_name="perf-pipeline"
            )
        told = f"{arguments!r} ended with {result.exit_code}: {result.output[:2_000]}"
        assert result.exit_code in _CODES, told
        assert isinstance(result.exception, SystemExit | None), told
        assert "Traceback" not in result.output, told
        assert "\x1b" not in result.output, told

    return call
