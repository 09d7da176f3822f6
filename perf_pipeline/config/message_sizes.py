"""Work out how large own messages become, as far as this is known before a load.

Add here: another part of a message that has a size. Keep out: limits, which the brokers set.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from perf_pipeline.config.own_files import columns_used, rows_of, variables_of_texts
from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.config.payloads import read_payloads
from perf_pipeline.config.templates import Source, Variable

# A batch's header, and a record's fields other than key, value and headers (Kafka's message format
# v2).
_BATCH_BYTES: Final = 61
_RECORD_BYTES: Final = 8
_USUAL: Final[Mapping[Source, int]] = {Source.UUID: 36, Source.RUN: 36}
_Cells = Mapping[tuple[str, ...], int]
"""Data set and column -> bytes of the longest cell; 0 where the rows are not there yet."""


def largest_bytes(own: OwnProduceParameters, env: Mapping[str, str], folder: Path) -> int:
    """Return the least size of the largest message of a scenario, batch header included.

    It takes the longest cells, choices and payloads; numbers of VUs and iterations count as one
    digit.

    Args:
        own: the parameters of the scenario.
        env: the scenario's own values.
        folder: where relative paths start.
    """
    cells = _longest_cells(own, folder)
    found = _BATCH_BYTES + _RECORD_BYTES + _value_bytes(own, env, folder, cells)
    if own.keys is not None:
        found += len(f"{own.keys.prefix}{own.keys.count}".encode())
    if own.key is not None:
        found += _text_bytes(own.key, env, cells)
    return found + sum(
        len(name.encode()) + _text_bytes(text, env, cells) for name, text in own.headers.items()
    )


def _longest_cells(own: OwnProduceParameters, folder: Path) -> _Cells:
    """Read each used data set once, and return its longest cells."""
    found: dict[tuple[str, ...], int] = {}
    for name, data in own.data.items():
        columns = columns_used(own, name)
        rows = () if data.is_of_the_run or not columns else rows_of(name, data, columns, folder)
        for place, column in enumerate(columns):
            found[name, column] = max((len(row[place].encode()) for row in rows), default=0)
    return found


def _value_bytes(
    own: OwnProduceParameters, env: Mapping[str, str], folder: Path, cells: _Cells
) -> int:
    if own.size is not None:
        return own.size.most
    if own.payloads is not None:
        return max(map(len, read_payloads(folder / own.payloads)))
    if own.registered is not None:
        return 0  # only encoding shows how small the schema makes the value
    if own.value is not None:
        return _text_bytes(own.value, env, cells)
    written = json.dumps(own.json_value, separators=(",", ":"))
    return len(written) + _added(own.json_value, env, cells)


def _text_bytes(text: str, env: Mapping[str, str], cells: _Cells) -> int:
    return len(text.encode()) + _added(text, env, cells)


def _added(texts: object, env: Mapping[str, str], cells: _Cells) -> int:
    """Return how much longer texts become when their variables are filled in."""
    return sum(
        _longest(variable, env, cells) - len(f"${{{variable.written}}}".encode())
        for variable in variables_of_texts(texts)
    )


def _longest(variable: Variable, env: Mapping[str, str], cells: _Cells) -> int:
    match variable.source, variable.arguments:
        case Source.DATA, place:
            return cells[place]
        case Source.CHOICE, choices:
            return max(len(choice.encode()) for choice in choices)
        case Source.INT, bounds:
            return max(map(len, bounds))
        case Source.ENV, (name,):
            return len(env.get(name, os.environ.get(name, "")).encode())
        case source, _:
            return _USUAL.get(source, 1)
