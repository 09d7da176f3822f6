"""The interface of all kinds of own parameters: their operations, and the variables in their texts.

Add here: something else that loading, judging or a rule must know of own parameters. Keep out: the
keys themselves (http_steps.py, sql_statements.py).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from perf_pipeline.config.data_sets import DataSet


class Made(NamedTuple):
    """Name one operation of an own scenario.

    Attributes:
        place: its path in the profile, below `parameters`.
        name: the name of its samples.
        checks: the names of its checks, in order.
    """

    place: str
    name: str
    checks: tuple[str, ...]


@runtime_checkable
class MakesOperations(Protocol):
    """Know before the load which operations there will be."""

    @property
    def operations(self) -> tuple[Made, ...]:
        """Return every operation that the iterations may make."""
        ...


@runtime_checkable
class Templated(Protocol):
    """Hold texts with variables, and the data sets from which these draw."""

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
        """Return those templates that become headers."""
        ...
