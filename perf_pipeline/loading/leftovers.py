"""Remove at the end of a run the rows that it left in the target.

Add here: something else that a whole run leaves behind. Keep out: what a single benchmark removes
(needs.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from perf_pipeline.config.needed_parts import makes_users
from perf_pipeline.errors import PerfPipelineError, StoppedByUserError
from perf_pipeline.loading.seeding import has_seeded, remove_seeded
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.parts import Stack


@contextmanager
def rows_removed(session: Session, stack: Stack | None) -> Iterator[None]:
    """Remove the run's rows however it ends; if that is impossible, the next run does it.

    Rows in a database that was started for this run alone disappear with it.
    """
    if stack is not None and stack.throws_away("postgres"):
        yield
        return
    try:
        yield
    except StoppedByUserError:
        raise  # a stop at once waits for nothing
    except BaseException:
        _remove_rows(session)
        raise
    _remove_rows(session)


def _remove_rows(session: Session) -> None:
    makes_rows = any(makes_users(session.profile, name) for name in session.planned)
    is_ours = any(service.name == "api" for service in session.services)
    if session.target.postgres_dsn is None or not (makes_rows or is_ours or has_seeded(session)):
        return
    try:
        remove_seeded(session)
    except PerfPipelineError as error:
        session.say(
            "the rows of this run could not be removed, so the next run removes them: "
            f"{error.sentence}"
        )
