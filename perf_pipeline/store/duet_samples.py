"""Read what two sides did from the spool of a load that may still go on.

Add here: another column that a comparison needs. Keep out: the comparison (analysis/).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perf_pipeline.analysis.duet_blocks import OperationSamples, SideSamples
from perf_pipeline.analysis.duet_deliveries import DeliveredMessages
from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.engine.side_recorder import side_folder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.metrics.spool_rows import KIND, SAMPLE_ROWS
from perf_pipeline.store.iteration_order import begins_behind_itself, operations_before
from perf_pipeline.store.spool_binary import RowFile, row_files
from perf_pipeline.store.spool_figures import spooled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARK: Final = "@"
_DELIVERED: Final = """
select coalesce(min(at_us) filter (where event = 'intended'), 0),
    coalesce(min(at_us) filter (where event = 'started'),
        min(at_us) filter (where event = 'intended'), 0),
    coalesce(min(at_us) filter (where event = 'completed'), -1),
    count(*) filter (where event = 'completed')
from spooled group by message_id having count(*) filter (where event = 'acknowledged') > 0
"""
_PROMISED: Final = """
select distinct min(at_us) filter (where event = 'started'),
    min(at_us) filter (where event = 'acknowledged')
from spooled group by message_id
"""
_COLUMNS: Final = 6  # side, intended, took, ok, records, wrong
_OF_ORDER: Final = 3  # iteration of a VU of a side, began, ended
_TIMES: Final = (7, 8)
_MOST_VUS: Final = 2**24


def name_of_side(scenario: str, side: int) -> str:
    """Return the name under which a side's samples of a scenario are kept."""
    return f"{scenario}{_MARK}{SIDES[side]}"


def is_of_side(name: str, side: int) -> bool:
    """Say whether samples under a name are those of a side."""
    return name.endswith(f"{_MARK}{SIDES[side]}")


def read_sides(folder: Path, step: str, paced: Mapping[str, bool]) -> list[OperationSamples]:
    """Read both sides of every operation, in the order of the operations' names.

    Operations that were cut off at the end of the load are left out: nobody knows how long they
    would have taken, and both sides have them alike.

    Args:
        folder: the folder of the load.
        step: the step of the load.
        paced: by scenario, whether a plan decides how many iterations there are.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s of import that few commands need

    parts: dict[str, list[NDArray[np.int64]]] = {}
    unpaced: set[str] = set()
    before: dict[str, frozenset[str]] = {}
    for scenario, found in _by_scenario(folder, step).items():
        for operation, rows in found.items():
            parts.setdefault(operation, []).append(rows[:_COLUMNS])
            if not paced[scenario]:
                unpaced.add(operation)
        for name, others in _before(found).items():
            before[name] = before.get(name, frozenset()) | others
    return [
        replace(
            _samples(operation, np.concatenate(parts[operation], axis=1)),
            is_paced=operation not in unpaced,
            before=before[operation],
        )
        for operation in sorted(parts)
    ]


def read_delivered(folder: Path) -> DeliveredMessages:
    """Read what became of the messages that one side promised.

    The time of one begins when its request was sent, or was to be sent where nobody wrote that
    down. What was never promised counts neither as lost nor as delivered.

    Args:
        folder: with the ledger of that side alone, deliveries entered.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    import numpy as np  # noqa: PLC0415 - see above

    with spooled(folder, "ledger") as connection:
        rows = np.array(connection.execute(_DELIVERED).fetchall(), np.int64).reshape(-1, 4)
    intended, asked, completed, times = rows.T
    samples = SideSamples(intended, completed - asked, times > 0)
    return DeliveredMessages(samples, int((times > 1).sum()), int(completed.max(initial=0)))


def before_promises(folder: Path, step: str) -> frozenset[str]:
    """Return the operations behind which a message is promised, so that it is sent when they end.

    Args:
        folder: the folder of the load; the ledger of each side is in a folder of its own there.
        step: the step of the load.
    """
    promised = [_promised(side_folder(folder, side)) for side in range(len(SIDES))]
    behind = frozenset[str]()
    for found in _by_scenario(folder, step).values():
        for name, others in _before(found).items():
            side, began_us, ended_us = found[name][[0, *_TIMES]]
            asked = zip(side.tolist(), began_us.tolist(), ended_us.tolist(), strict=True)
            # A request that promised a message has both of its times in the ledger.
            has_promised = [(began, ended) in promised[number] for number, began, ended in asked]
            if any(has_promised):
                behind |= others
            if begins_behind_itself(found[name][_COLUMNS:])[has_promised].any():
                behind |= {name}
    return behind


def ids_of(folder: Path) -> set[str]:
    """Return the ids of the messages that one side promised.

    Raises:
        PerfPipelineError: a file is of another version.
    """
    with spooled(folder, "ledger") as connection:
        found = connection.execute(
            "select distinct message_id from spooled where event = 'acknowledged'"
        ).fetchall()
    return {message_id for (message_id,) in found}


def _promised(folder: Path) -> set[tuple[int, int]]:
    """Return when the requests of promised messages were sent and answered."""
    with spooled(folder, "ledger") as connection:
        return {(began, ended) for began, ended in connection.execute(_PROMISED).fetchall()}


def _before(found: "Mapping[str, NDArray[np.int64]]") -> dict[str, frozenset[str]]:
    return operations_before({name: rows[_COLUMNS:] for name, rows in found.items()})


def _by_scenario(folder: Path, step: str) -> "dict[str, dict[str, NDArray[np.int64]]]":
    """Return the rows of each scenario by operation."""
    import numpy as np  # noqa: PLC0415 - see above

    found: dict[str, dict[str, list[NDArray[np.int64]]]] = {}
    for file in row_files(folder, f"samples-{step}-*.npy", SAMPLE_ROWS):
        for operation, scenario, rows in _by_operation(file):
            found.setdefault(scenario, {}).setdefault(operation, []).append(rows)
    return {
        scenario: {name: np.concatenate(rows, axis=1) for name, rows in operations.items()}
        for scenario, operations in found.items()
    }


def _samples(operation: str, rows: "NDArray[np.int64]") -> OperationSamples:
    sides = [
        SideSamples(
            rows[1][mine], rows[2][mine], rows[3][mine] > 0, rows[4][mine], rows[5][mine] > 0
        )
        for mine in (rows[0] == 0, rows[0] == 1)
    ]
    began_us, ended_us = int(rows[1].min()), int(rows[1].max()) + 1
    return OperationSamples(operation, sides[0], sides[1], began_us, ended_us)


def _by_operation(file: RowFile) -> Iterator[tuple[str, str, "NDArray[np.int64]"]]:
    """Return the rows of each kind that is measured: operation, scenario, and its columns."""
    import numpy as np  # noqa: PLC0415 - see above

    kinds = file.kinds
    for number in range(len(kinds[KIND])):
        outcome = str(kinds["outcome"][number])
        if str(kinds["phase"][number]) != Phase.MEASURED or outcome == Outcome.INTERRUPTED:
            continue
        rows = file.rows[file.rows[KIND] == number]
        if not len(rows):
            continue
        scenario, _, side = str(kinds["scenario"][number]).rpartition(_MARK)
        columns = np.empty((_COLUMNS + _OF_ORDER, len(rows)), np.int64)
        columns[0] = SIDES.index(side)
        columns[1] = rows["intended_us"]
        columns[2] = rows["ended_us"] - rows["started_us"]
        columns[3] = outcome == Outcome.OK
        columns[4] = rows["records"]
        columns[5] = rows["checks_failed"] != 0
        columns[6] = rows["iteration"].astype(np.int64) * _MOST_VUS + rows["vu"]
        columns[6] = columns[6] * len(SIDES) + columns[0]
        columns[7] = rows["started_us"]
        columns[8] = rows["ended_us"]
        yield str(kinds["operation"][number]), scenario, columns
