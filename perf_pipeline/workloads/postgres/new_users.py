"""The database benchmark's new users: batches by many-row INSERT, and by COPY.

Add here: another way to write many rows. Keep out: statements on users that are there (users.py),
and seeding.
"""

from collections.abc import Iterator, Sequence

from perf_pipeline.config.defaults import INSERTED_ROWS
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.workloads.people import EMAIL_DOMAIN, Person, created_email, people
from perf_pipeline.workloads.postgres.clients import DSN
from perf_pipeline.workloads.postgres.one_statement import OneStatement
from perf_pipeline.workloads.postgres.statement import CopyConnection, PreparedConnection

_COLUMNS = "first_name, last_name, birthday_date, timezone, email, created_at, updated_at"


def insert_statement(rows: int) -> str:
    """Return an INSERT of that many users, with five parameters a row.

    >>> insert_statement(1).partition("values ")[2]
    '($1, $2, $3, $4, $5, now(), now())'
    """
    firsts = range(1, 5 * rows, 5)
    values = (", ".join(f"${first + place}" for place in range(5)) for first in firsts)
    rows_of_values = ", ".join(f"({row}, now(), now())" for row in values)
    return " ".join(("insert into users", f"({_COLUMNS})", "values", rows_of_values))


class _NewUsers(OneStatement):
    """Make one batch of users per iteration, in one transaction.

    A sample's records are the rows of the batch (`batch`, 1,000).
    """

    is_plain = False  # their bytes are counted

    def __init__(self) -> None:
        super().__init__()
        self._people: list[Person] = []

    async def open(self, context: WorkerContext) -> None:
        """Make the seeded part of a batch, then connect.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or psycopg runs without its C parts.
        """
        run, batch = str(context.parameters["run"]), context.parameters.get("batch", INSERTED_ROWS)
        self._people = list(people(context.seed, run, int(batch)))
        await super().open(context)

    def _emails(self, iteration: Iteration) -> Iterator[str]:
        # Row n of iteration i has the number i * batch + n of its VU: unique in the run.
        run, first = str(self._opened.parameters["run"]), iteration.number * len(self._people)
        last = first + len(self._people) - 1
        email = created_email(run, iteration.scenario, iteration.vu, last)
        local = email.removesuffix(f"{last}@{EMAIL_DOMAIN}")
        return (f"{local}{number}@{EMAIL_DOMAIN}" for number in range(first, last + 1))

    def _records(self, rows: int) -> int:
        return rows

    def _bytes_out(self, parameters: Sequence[bytes]) -> int:
        return sum(map(len, parameters))


class InsertUsers(_NewUsers):
    """Insert the batch with one INSERT of as many rows; a sample's bytes are its values."""

    operation = "insert_users"
    statement = insert_statement(1)

    async def _connect(self) -> PreparedConnection:
        statement = insert_statement(len(self._people))
        return await PreparedConnection.open(self._opened.secrets[DSN], statement)

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        return [
            value.encode()
            for person, email in zip(self._people, self._emails(iteration), strict=True)
            for value in (
                person.first_name,
                person.last_name,
                person.birthday.isoformat(),
                person.timezone,
                email,
            )
        ]


class CopyUsers(_NewUsers):
    """Load the batch with one COPY; a sample's bytes are its text."""

    operation = "copy_users"
    statement = f"copy users ({_COLUMNS}) from stdin"

    async def _connect(self) -> CopyConnection:
        return await CopyConnection.open(self._opened.secrets[DSN], self.statement)

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        lines = (
            f"{person.first_name}\t{person.last_name}\t{person.birthday}\t{person.timezone}\t"
            f"{email}\tnow\tnow\n"
            for person, email in zip(self._people, self._emails(iteration), strict=True)
        )
        return ("".join(lines).encode(),)
