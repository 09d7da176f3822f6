"""Define what every kind of own parameters must tell: its operations, and variables in its texts.

Add here: another question that loading, judging or a rule asks of own parameters. Keep out: the
keys themselves (http_steps.py, sql_statements.py).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from perf_pipeline.config.data_sets import DataSet


class Made(NamedTuple):
    """Name one operation of an own scenario.

    Attributes:
        place: where it is written, below `parameters`.
        name: of its samples.
        checks: the names of its checks, in order.
    """

    place: str
    name: str
    checks: tuple[str, ...]


@runtime_checkable
class MakesOperations(Protocol):
    """Know the operations before the load."""

    @property
    def operations(self) -> tuple[Made, ...]:
        """Return every operation that its iterations may make."""
        ...


@runtime_checkable
class Templated(Protocol):
    """Hold texts with variables, and the data sets that they draw from."""

    @property
    def data(self) -> Mapping[str, DataSet]:
        """Return the data sets by name."""
        ...

    @property
    def templates(self) -> Iterable[object]:
        """Return everything that may hold variables: texts, or tables and lists with texts."""
        ...

    @property
    def header_templates(self) -> Iterable[object]:
        """Return those of it that become headers."""
        ...
