"""Give the value of a step's variable in one iteration of one virtual user.

Add here: the value of a new variable. Keep out: how it is written into a request
(writing.py), how it is spelt in a profile (config/templates.py).
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from perf_pipeline.config.data_sets import Pick, Rows
from perf_pipeline.config.templates import Source, Variable
from perf_pipeline.engine.ports import Iteration

_EXACT: Final = 2**32
REPLAYED_FIELDS: Final = ("method", "path")
Value = object
Read = Callable[["Scope"], Value]


@dataclass(slots=True)
class Scope:
    """Hold what the variables of one VU read.

    Attributes:
        iteration: under way.
        saved: values of earlier responses of this iteration.
        rows: for each data set, the row that this iteration drew.
    """

    iteration: Iteration
    saved: dict[str, Value] = field(default_factory=dict)
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def begin(self, iteration: Iteration) -> None:
        """Start another iteration: nothing is saved or drawn yet."""
        self.iteration = iteration
        if self.saved:
            self.saved.clear()
        if self.rows:
            self.rows.clear()


class DataCursor:
    """Draw rows of a data set; an iteration keeps its row until its end.

    Args:
        name: the name of the set.
        columns: the columns of each row.
        rows: all of them.
        pick: how one is chosen.
        stripe: number of this worker, and how many there are: `sequential` deals rows out.
    """

    def __init__(
        self,
        name: str,
        columns: tuple[str, ...],
        rows: Rows,
        pick: Pick,
        stripe: tuple[int, int],
    ) -> None:
        self._name = name
        self._columns = columns
        self._rows = rows[stripe[0] :: stripe[1]] or rows if pick == "sequential" else rows
        self._pick = pick
        self._taken = 0

    def reader(self, column: str) -> Read:
        """Return the function that reads a column of the iteration's row."""
        name, place = self._name, self._columns.index(column)

        def read(scope: Scope) -> Value:
            row = scope.rows.get(name)
            if row is None:
                row = scope.rows[name] = self._draw(scope.iteration)
            return row[place]

        return read

    def _draw(self, iteration: Iteration) -> tuple[str, ...]:
        rows = self._rows
        if self._pick == "random":
            return iteration.random.choice(rows)
        if self._pick == "sequential":
            self._taken += 1
            return rows[(self._taken - 1) % len(rows)]
        return rows[(iteration.vu - 1) % len(rows)]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what variables read beside the scope.

    Attributes:
        run: id of the run.
        env: values by name: the machine's secrets, the scenario's own laid over them.
        cursors: data sets by name.
        replayed: method and path of each request of the log that is replayed.
    """

    run: str
    env: Mapping[str, str]
    cursors: Mapping[str, DataCursor]
    replayed: Sequence[tuple[str, str]] = ()

    def constant(self, variable: Variable) -> str | None:
        """Return a variable's value where it is the same all through the load, else None."""
        if variable.source is Source.RUN:
            return self.run
        return self.env[variable.arguments[0]] if variable.source is Source.ENV else None

    def reader(self, variable: Variable) -> Read:
        """Return the function that reads a variable."""
        match variable.source, variable.arguments:
            # Not (name, *rest): mypyc takes the rest of a tuple for a list, and raises TypeError.
            case Source.DATA | Source.REPLAY, place:
                return self._reader_of_row(*place)
            case Source.SAVED, (name,):
                return lambda scope: scope.saved[name]
            case Source.INT, (low, high):
                return drawn(int(low), int(high))
            case Source.CHOICE, choices:
                return lambda scope: scope.iteration.random.choice(choices)
            case Source.RUN | Source.ENV, _:
                value = self.constant(variable)
                return lambda _: value
            case _:
                return _PLAIN[variable.source]

    def _reader_of_row(self, name: str, column: str = "") -> Read:
        """Return what reads a column of a data set, or a field of the request that is replayed."""
        if column:
            return self.cursors[name].reader(column)
        place, replayed = REPLAYED_FIELDS.index(name), self.replayed
        return lambda scope: replayed[scope.iteration.arrival][place]


def drawn(low: int, high: int) -> Callable[[Scope], int]:
    """Return what draws a whole number between two bounds, both of them included."""
    count = high - low + 1
    if not 0 < count <= _EXACT:
        return lambda scope: scope.iteration.random.randint(low, high)
    # A third of the time of randint; a double's 53 bits are even to 1 in 2**21 over 2**32 numbers.
    return lambda scope: low + int(scope.iteration.random.random() * count)


def as_text(value: Value) -> str:
    """Write a value as it stands inside a text: texts bare, everything else as in JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def can_be_written(value: Value) -> bool:
    """Say whether a value that the target sent can be used in a request.

    A lone surrogate has no bytes in any encoding, and JSON has no infinite number.
    """
    if isinstance(value, str) and value.isascii():
        return True
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True


# Unlike every other randomness here, not seeded: a second run must not meet the first one's rows.
_UNIQUE = random.SystemRandom()


def _uuid(_: Scope) -> Value:
    """Make a random UUID (version 4, RFC 9562)."""
    bits = _UNIQUE.getrandbits(128) & ~(0xF << 76) | (4 << 76)
    digits = f"{bits & ~(0x3 << 62) | (0x2 << 62):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_PLAIN: Mapping[Source, Read] = {
    Source.VU: lambda scope: scope.iteration.vu,
    Source.ITERATION: lambda scope: scope.iteration.number,
    Source.SCENARIO: lambda scope: scope.iteration.scenario,
    Source.UUID: _uuid,
}
