"""A stack that `up` left running, with its command line, and looks at its database."""

from dataclasses import dataclass

import psycopg

from perf_pipeline.stack.embedded import find_running
from perf_pipeline.stack.parts import Stack
from perf_pipeline_tests.support.commands.command_line import CommandLine, Running


@dataclass(frozen=True, slots=True)
class Up:
    """Hold a stack that is up, with its command line."""

    command: CommandLine
    stack: Stack

    @property
    def as_target(self) -> dict[str, str]:
        """Give the environment that points at it as at a system of somebody else."""
        ends = self.stack.endpoints
        assert ends.base_url is not None
        assert ends.postgres_dsn is not None
        assert ends.brokers is not None
        target = {
            "PERF_BASE_URL": ends.base_url,
            "PERF_POSTGRES_DSN": ends.postgres_dsn,
            "PERF_KAFKA_BROKERS": ends.brokers,
        }
        return target if ends.redis_url is None else {**target, "PERF_REDIS_URL": ends.redis_url}

    def own_rows(self) -> int:
        """Count the users that runs have made or seeded and not removed."""
        assert self.stack.endpoints.postgres_dsn is not None
        with psycopg.connect(self.stack.endpoints.postgres_dsn) as connection:
            row = connection.execute(
                "select count(*) from users where email like '%@perf-pipeline.invalid'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def pids(self, part: str) -> tuple[int, ...]:
        """Give the processes of a part, as they run now."""
        stack = find_running(self.command.state)
        assert stack is not None
        return next(service.pids for service in stack.services if service.name == part)

    def begun(self, *arguments: str, seconds: float = 6.0, more: str = "") -> Running:
        """Start a run and wait until its load is under way."""
        profile = self.command.profile(seconds, more)
        running = self.command.begin("run", "--profile", str(profile), *arguments)
        running.wait_for("api_user_creation: ")
        return running
