"""The database benchmark: select, update and soft-delete users, one statement a time.

Each VU has a connection of its own, opened before the load and closed after it, because the
counters of pg_stat arrive when a backend leaves. Parameters (JSON): `limit` (of a select),
`ids_file` (one id a line); secret: `postgres_dsn`.
Add here: another statement on users. Keep out: new users (new_users.py), seeding, pg_stat (probes).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from perf_pipeline.config.defaults import SELECTED_ROWS
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.people import TIMEZONES
from perf_pipeline.workloads.postgres.one_statement import GOOD, OneStatement

_ZONES: Final = tuple(zone.encode() for zone in TIMEZONES)
_SELECT: Final = (
    "select id, first_name, last_name, email, birthday_date, timezone from users "
    "where extract(month from birthday_date) = $1::int "
    "and extract(day from birthday_date) = $2::int and deleted_at is null limit $3::int"
)
_UPDATE: Final = "update users set timezone = $1, updated_at = now() where id = $2"
_DELETE: Final = (
    "update users set deleted_at = now(), updated_at = now() where id = $1 and deleted_at is null"
)


def select_script(limit: int) -> str:
    """Return the select of `SelectUsers` as a script for pgbench, with days drawn alike."""
    statement = _SELECT.replace("$1", ":month").replace("$2", ":day").replace("$3", f"{limit}")
    return f"\\set month random(1, 12)\n\\set day random(1, 28)\n{statement};\n"


class SelectUsers(OneStatement):
    """Select users by month and day of birth; the day comes from the iteration's random.

    A sample counts one record a query, however many rows come; `limit` (100) bounds them.
    """

    operation = "select_users"
    statement = _SELECT

    async def open(self, context: WorkerContext) -> None:
        """Connect, and prepare the statement; see `OneStatement.open`."""
        self._limit = b"%d" % int(context.parameters.get("limit", SELECTED_ROWS))
        await super().open(context)

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        draw = iteration.random.random  # a third of the time of randint
        return b"%d" % (1 + int(draw() * 12)), b"%d" % (1 + int(draw() * 28)), self._limit

    def _judge(self, rows: int) -> tuple[Outcome, str]:  # noqa: ARG002 - no match is an answer
        return GOOD

    def _records(self, rows: int) -> int:  # noqa: ARG002 - a query, not its rows
        return 1


class _ById(OneStatement):
    """Take the ids of `ids_file` that belong to this worker, in order, and then again."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: list[bytes] = []
        self._next = 0

    async def open(self, context: WorkerContext) -> None:
        """Read this worker's ids: every n-th line, from its own number on; then connect.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or no id is left for this worker.
        """
        path = Path(context.parameters["ids_file"])
        lines = path.read_bytes().split()  # noqa: ASYNC240 - before the load, nothing else runs
        self._ids = lines[context.worker :: context.workers]
        if not self._ids:
            raise TargetUnavailableError(
                f"{path.name} has {len(lines)} ids, too few for {context.workers} workers",
                hint="seed more users, or give this scenario a larger share of them",
            )
        await super().open(context)

    def _next_id(self) -> bytes:
        taken = self._ids[self._next % len(self._ids)]
        self._next += 1
        return taken


class UpdateUsers(_ById):
    """Set time zone and updated_at of one user, by id."""

    operation = "update_users"
    statement = _UPDATE

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        zone = int(iteration.random.random() * len(_ZONES))  # a third of the time of choice
        return _ZONES[zone], self._next_id()


class DeleteUsers(_ById):
    """Soft-delete one user, by id; one that is deleted already fails with `no_row`."""

    operation = "delete_users"
    statement = _DELETE

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:  # noqa: ARG002 - ids decide
        return (self._next_id(),)
