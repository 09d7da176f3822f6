"""pgbench's scripts as configuration: which ones run, how often, and with which variables.

Add here: another option of pgbench. Keep out: the language of scripts (scripts.py, expressions.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.files import read_text
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.http_steps import Text, VariableName
from perf_pipeline.config.pgbench.scripts import ScriptStep, parse_script
from perf_pipeline.config.ranges import DurationRange
from perf_pipeline.config.sql_statements import MOST_RETRIES
from perf_pipeline.spelling import meant
from perf_pipeline.units import US_PER_S

SCALE: Final = "scale"
_LARGEST_SCRIPT_BYTES: Final = 4 << 20
_MOST_WEIGHT: Final = 1_000_000
_FILE: Final = ".sql"
_ACCOUNT: Final = "\\set aid random(1, 100000 * :scale)\n"
_OTHERS: Final = """\\set bid random(1, 1 * :scale)
\\set tid random(1, 10 * :scale)
\\set delta random(-5000, 5000)
"""
_UPDATE: Final = "update pgbench_accounts set abalance = abalance + :delta where aid = :aid;\n"
_SELECT: Final = "select abalance from pgbench_accounts where aid = :aid;\n"
_TOTALS: Final = """update pgbench_tellers set tbalance = tbalance + :delta where tid = :tid;
update pgbench_branches set bbalance = bbalance + :delta where bid = :bid;
"""
_HISTORY: Final = (
    "insert into pgbench_history (tid, bid, aid, delta, mtime) "
    "values (:tid, :bid, :aid, :delta, current_timestamp);\n"
)
BUILT_IN: Final = MappingProxyType(
    {
        "tpcb-like": f"{_ACCOUNT}{_OTHERS}begin;\n{_UPDATE}{_SELECT}{_TOTALS}{_HISTORY}end;\n",
        "simple-update": f"{_ACCOUNT}{_OTHERS}begin;\n{_UPDATE}{_SELECT}{_HISTORY}end;\n",
        "select-only": f"{_ACCOUNT}{_SELECT}",
    }
)
"""The scripts that pgbench has built in, by name (`pgbench --show-script`)."""


@dataclass(frozen=True, slots=True)
class WeightedScript:
    """Name a script with its weight, which says how often it is chosen.

    Attributes:
        source: the name of a built-in script, or of a file.
        weight: the script is chosen with a probability of this over the sum of all weights.
    """

    source: str
    weight: int

    @classmethod
    def read(cls, written: str) -> Self:
        """Read `file.sql@weight`; without a weight it is 1.

        Raises:
            ValueError: the text is neither a built-in script nor a file, or its weight is not a
                number.
        """
        source, at, weight = written.rpartition("@")
        if not at:
            source, weight = written, "1"
        if not weight.isdecimal() or not 1 <= int(weight[:20]) <= _MOST_WEIGHT:
            raise ValueError(
                f"{written!r} has no weight from 1 to {_MOST_WEIGHT:,} after its @; write one "
                "like transfer.sql@3"
            )
        if source not in BUILT_IN and not source.endswith(_FILE):
            raise ValueError(
                f"{source!r} is neither a file that ends in .sql nor one of "
                f"{', '.join(BUILT_IN)}{meant(source, BUILT_IN)}"
            )
        return cls(source, int(weight))

    @property
    def name(self) -> str:
        """Return the name of its samples: the built-in name, or the file's without its ending."""
        return Path(self.source).name.removesuffix(_FILE)

    def steps(self, folder: Path) -> tuple[ScriptStep, ...]:
        """Read the script.

        Raises:
            ValueError: the script can't be read or run; the sentence names file and line.
        """
        if self.source in BUILT_IN:
            return parse_script(BUILT_IN[self.source])
        try:
            return parse_script(read_text(folder / self.source, _LARGEST_SCRIPT_BYTES))
        except ValueError as error:
            raise ValueError(f"{self.source} {error}") from error


def _scripts(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        raise ValueError(f"there are no scripts; write a file, or one of {', '.join(BUILT_IN)}")
    names = [WeightedScript.read(written).name for written in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice!r} is the name of two scripts; give one of the files another")
    return given


def _variables(given: dict[str, str]) -> dict[str, str]:
    if "client_id" in given:
        raise ValueError("'client_id' is set for each client; leave it out")
    return given


class PgbenchParameters(Frozen):
    """Say which scripts of pgbench one iteration chooses from; each VU is a client.

    Attributes:
        scripts: .sql files next to the profile, or `tpcb-like`, `simple-update`, `select-only`;
            with `@3` after it a script is chosen three times as often.
        scale: `:scale` in scripts (`-s`); by default the number of rows of pgbench_branches if all
            scripts are built in, else 1.
        variables: variables that are set before the first iteration (`-D`).
        protocol: how statements are sent (`-M`); with `simple` the values are written into their
            text, with the others they are bound.
        retries: how often a script begins again, with the same values, after a serialization
            failure or a deadlock (`--max-tries`, less one).
        timeout_us: the longest time of a statement; then it is cancelled on the server.
        think_time_us: pause after each iteration; of a range, drawn uniformly.
    """

    scripts: Annotated[tuple[str, ...], AfterValidator(_scripts)] = Field(strict=False)
    scale: int | None = Field(default=None, ge=1, le=1_000_000)
    variables: Annotated[dict[VariableName, Text], AfterValidator(_variables)] = Field(
        default_factory=dict
    )
    protocol: Literal["simple", "extended", "prepared"] = "simple"
    retries: int = Field(default=0, ge=0, le=MOST_RETRIES)
    timeout_us: Duration = Field(default=60 * US_PER_S, alias="timeout", gt=0)
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if self.scale is not None and SCALE in self.variables:
            raise ValueError("has scale as a key and among its variables; leave one of them out")
        return self

    @property
    def weighted(self) -> tuple[WeightedScript, ...]:
        """Return the scripts with their weights."""
        return tuple(WeightedScript.read(written) for written in self.scripts)

    @property
    def are_built_in(self) -> bool:
        """Say whether all scripts are built in."""
        return all(script.source in BUILT_IN for script in self.weighted)


def script_mistakes(parameters: PgbenchParameters, folder: Path) -> Iterator[tuple[str, str]]:
    """Find what is wrong with the scripts of a scenario, each with its place."""
    for number, script in enumerate(parameters.weighted):
        try:
            script.steps(folder)
        except ValueError as error:
            yield f"parameters.scripts[{number}]", str(error)
