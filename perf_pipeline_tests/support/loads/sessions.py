"""A session of a run that nobody started, for what a load asks of it.

Add here: nothing. Keep out: profiles and targets; each test's own.
"""

from datetime import UTC, datetime
from pathlib import Path

from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target
from perf_pipeline.loading.session import Session
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.silent import Silent


def session_with(profile: Profile, target: Target, state: Path = Path("nowhere")) -> Session:
    """Give the session of run r1, which tells nobody; `replace` gives it more."""
    return Session(
        run_id="r1",
        profile=profile,
        target=target,
        services=(),
        notices=(),
        environment={},
        state=State(state),
        trigger="test",
        began_at=datetime(2026, 1, 4, tzinfo=UTC),
        narrator=Silent(),
    )
