"""A table before it is laid out: what its columns hold, and one text for each cell.

Add here: another kind of column. Keep out: what a table says (html.py, markdown.py), and how a kind
looks (templates/).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

_LONG: Final = 100
ColumnKind = Literal["text", "number", "prose", "status", "metric", "link", "url"]
"""`metric` and `link` may break inside a name; a `link` leads to the section of its text, and a
`url` to the address that it is."""


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table.

    Attributes:
        columns: title and kind, from left to right.
        rows: one text for each column; a row of a single text is a heading over all columns.
        is_sortable: a reader may sort it by any column, within its headings.
    """

    columns: tuple[tuple[str, ColumnKind], ...]
    rows: tuple[tuple[str, ...], ...]
    is_sortable: bool = False

    @property
    def is_long(self) -> bool:
        """Say whether it would push everything below it out of sight."""
        return len(self.rows) > _LONG

    @classmethod
    def of(cls, columns: Mapping[str, ColumnKind], rows: Iterable[tuple[str, ...]]) -> "Table":
        """Make a table of columns by title, and of rows."""
        return cls(tuple(columns.items()), tuple(rows))

    def by_title(self, row: tuple[str, ...]) -> dict[str, str]:
        """Return the texts of a row that is no heading, by the titles of their columns."""
        return {title: text for (title, _), text in zip(self.columns, row, strict=True)}

    def cells(self, row: tuple[str, ...]) -> Iterator[tuple[ColumnKind, str]]:
        """Yield each cell of a row with the kind of its column."""
        for (_, kind), text in zip(self.columns, row, strict=True):
            yield kind, text
