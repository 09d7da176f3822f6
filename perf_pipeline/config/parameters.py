"""The parameters of iterations, and a table of everything known about each kind of iteration.

Add here: the parameters of an iteration, and its row in `ITERATIONS`. Keep out: what an iteration
does (workloads/) and when it starts (executors/).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import Field

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config import defaults
from perf_pipeline.config.bounds import LONGEST_DELIVERY_US
from perf_pipeline.config.cache_parameters import CacheParameters
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.config.own_topics import OwnConsumeParameters, OwnProduceParameters
from perf_pipeline.config.pgbench.parameters import PgbenchParameters
from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.config.ranges import DurationRange
from perf_pipeline.config.sql_statements import SqlParameters
from perf_pipeline.config.tracing import TraceParameters
from perf_pipeline.units import US_PER_MS

HTTP_STEPS: Final = "http_steps"
PRODUCE: Final = "produce"
CONSUME: Final = "consume"
SQL: Final = "sql"
PGBENCH: Final = "pgbench"
_PYTHON_EXEC: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class NoParameters(Frozen):
    """Take no parameters."""


class HttpParameters(TraceParameters):
    """Configure how a VU uses the API.

    Attributes:
        think_time_us: pause after each iteration; of a range, drawn uniformly.
        timeout_us: the longest time from the first byte sent to the last byte received.
        ledger: record which messages were promised, so that lost ones and latencies are known.
    """

    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    timeout_us: Duration = Field(default=defaults.REQUEST_TIMEOUT_US, alias="timeout", gt=0)
    ledger: bool = False


class InsertParameters(Frozen):
    """Set the number of rows of an INSERT; a row has five values, a statement at most 65,535."""

    batch: int = Field(default=defaults.INSERTED_ROWS, ge=1, le=13_000)


class CopyParameters(Frozen):
    """Set the number of rows that one COPY loads."""

    batch: int = Field(default=defaults.INSERTED_ROWS, ge=1, le=100_000)


class SelectParameters(Frozen):
    """Configure how users are selected by month and day.

    Attributes:
        limit: the largest number of rows that one query returns.
        index: whether there is an expression index on month and day.
    """

    limit: int = Field(default=defaults.SELECTED_ROWS, ge=1, le=10_000_000)
    index: bool = True


class ProduceParameters(Frozen):
    """Configure what one iteration produces."""

    message_bytes: int = Field(default=defaults.MESSAGE_BYTES, ge=1, le=1_000_000)
    linger_ms: int = Field(default=defaults.LINGER_MS, ge=0, le=10_000)
    timeout_us: Duration = Field(
        default=defaults.DELIVERY_TIMEOUT_US, alias="timeout", gt=0, le=LONGEST_DELIVERY_US
    )


class TransactionParameters(ProduceParameters):
    """Set the number of messages in one transaction."""

    messages_per_transaction: int = Field(
        default=defaults.MESSAGES_PER_TRANSACTION, ge=1, le=1_000_000
    )


class CeilingParameters(ProduceParameters):
    """Set the number of messages that an unpaced iteration produces before it waits."""

    batch: int = Field(default=defaults.MESSAGES_PER_BATCH, ge=1, le=1_000_000)


class ConsumeCeilingParameters(Frozen):
    """Configure how a backlog is consumed without any work.

    Attributes:
        commit_interval_us: the longest time between two commits.
        backlog: the least number of waiting messages; missing ones are produced before the load.
    """

    commit_interval_us: Duration = Field(
        default=defaults.COMMIT_INTERVAL_US, alias="commitInterval", ge=10 * US_PER_MS
    )
    backlog: int = Field(default=200_000, ge=1, le=100_000_000)


class ConsumeParameters(Frozen):
    """Configure the work on a message.

    Attributes:
        work_us: simulated work per message; of a range, drawn uniformly.
        commit_interval_us: the longest time between two commits.
    """

    work_us: DurationRange = Field(default=defaults.WORK_US, alias="work")
    commit_interval_us: Duration = Field(
        default=defaults.COMMIT_INTERVAL_US, alias="commitInterval", ge=10 * US_PER_MS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationKind:
    """Hold everything known about one kind of iteration, which a scenario names with `exec`.

    Attributes:
        parameters: the model of its parameters in a scenario.
        workload: the class that runs it, as `module:Class` below workloads/.
        part: the part of the system whose address it gets.
        ids: the set of seeded ids from which it takes users; empty for none.
        is_apart: whether its topic and group are its own, so that they hold only its messages.
        has_ledger: whether it always records message ids.
        operation: the operation of all its samples; empty if that depends on its parameters or on
            what happens.
        is_own: whether the profile's author defines everything that it does.
    """

    parameters: type[Frozen]
    workload: str
    part: Part
    ids: str = ""
    is_apart: bool = False
    has_ledger: bool = False
    operation: str = ""
    is_own: bool = False


ITERATIONS: Final[Mapping[str, IterationKind]] = MappingProxyType(
    {
        "create_user": IterationKind(
            parameters=HttpParameters,
            workload="users:CreateUser",
            part=Part.API,
            operation="create_user",
        ),
        "read_user": IterationKind(
            parameters=HttpParameters,
            workload="users:ReadUser",
            part=Part.API,
            ids="api_reads",
            operation="read_user",
        ),
        "delete_user": IterationKind(
            parameters=HttpParameters,
            workload="users:DeleteUser",
            part=Part.API,
            ids="api_deletes",
            operation="delete_user",
        ),
        "insert_users": IterationKind(
            parameters=InsertParameters,
            workload="postgres.new_users:InsertUsers",
            part=Part.POSTGRES,
            operation="insert_users",
        ),
        "copy_users": IterationKind(
            parameters=CopyParameters,
            workload="postgres.new_users:CopyUsers",
            part=Part.POSTGRES,
            operation="copy_users",
        ),
        "select_users": IterationKind(
            parameters=SelectParameters,
            workload="postgres.users:SelectUsers",
            part=Part.POSTGRES,
            operation="select_users",
        ),
        "update_users": IterationKind(
            parameters=NoParameters,
            workload="postgres.users:UpdateUsers",
            part=Part.POSTGRES,
            ids="database_updates",
            operation="update_users",
        ),
        "soft_delete_users": IterationKind(
            parameters=NoParameters,
            workload="postgres.users:DeleteUsers",
            part=Part.POSTGRES,
            ids="database_deletes",
            operation="delete_users",
        ),
        "produce_messages": IterationKind(
            parameters=ProduceParameters,
            workload="kafka.produce:ProduceMessages",
            part=Part.BROKERS,
            has_ledger=True,
        ),
        "produce_transactions": IterationKind(
            parameters=TransactionParameters,
            workload="kafka.produce:ProduceTransactions",
            part=Part.BROKERS,
            has_ledger=True,
        ),
        "produce_ceiling": IterationKind(
            parameters=CeilingParameters,
            workload="kafka.produce:ProduceCeiling",
            part=Part.BROKERS,
            is_apart=True,
        ),
        "consume_messages": IterationKind(
            parameters=ConsumeParameters,
            workload="kafka.consume:ConsumeMessages",
            part=Part.BROKERS,
        ),
        "consume_ceiling": IterationKind(
            parameters=ConsumeCeilingParameters,
            workload="kafka.consume_ceiling:ConsumeCeiling",
            part=Part.BROKERS,
            is_apart=True,
        ),
        "read_through_cache": IterationKind(
            parameters=CacheParameters, workload="redis.read_through:ReadThrough", part=Part.REDIS
        ),
        HTTP_STEPS: IterationKind(
            parameters=HttpStepsParameters,
            workload="steps.scenario:HttpSteps",
            part=Part.API,
            is_own=True,
        ),
        PGBENCH: IterationKind(
            parameters=PgbenchParameters,
            workload="postgres.own_script:OwnScript",
            part=Part.POSTGRES,
            is_own=True,
        ),
        PRODUCE: IterationKind(
            parameters=OwnProduceParameters,
            workload="kafka.own_produce:OwnProduce",
            part=Part.BROKERS,
            is_own=True,
        ),
        CONSUME: IterationKind(
            parameters=OwnConsumeParameters,
            workload="kafka.own_consume:OwnConsume",
            part=Part.BROKERS,
            is_own=True,
        ),
        SQL: IterationKind(
            parameters=SqlParameters,
            workload="postgres.own_sql:OwnSql",
            part=Part.POSTGRES,
            is_own=True,
        ),
    }
)
_PYTHON: Final = IterationKind(
    parameters=PythonParameters,
    workload="python.scenario:PythonScenario",
    part=Part.API,
    is_own=True,
)


def is_python(exec_name: str) -> bool:
    """Say whether an `exec` names the user's Python code, like `my_package.module:Checkout`."""
    return _PYTHON_EXEC.fullmatch(exec_name) is not None


def is_own(exec_name: str) -> bool:
    """Say whether an `exec` is the user's own scenario: steps, statements or Python code."""
    kind = iteration_kind(exec_name)
    return kind is not None and kind.is_own


def iteration_kind(exec_name: str) -> IterationKind | None:
    """Return what is known about an `exec`; None if there is no such iteration."""
    return _PYTHON if is_python(exec_name) else ITERATIONS.get(exec_name)
