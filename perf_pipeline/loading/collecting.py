"""Follow a benchmark's messages while its load runs, if its profile says where they appear.

Add here: another observer that has to run during the load. Keep out: completing the ledger
(ledgers.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perf_pipeline.loading.own_deliveries import OwnDeliveries
from perf_pipeline.loading.session import Session


@contextmanager
def collecting(
    session: Session, benchmark: str, folder: Path, origin_ns: int
) -> Iterator[OwnDeliveries | None]:
    """Start watching for deliveries right before the load; release everything afterwards.

    Yields:
        The follower of deliveries; None if the profile says nothing about them.

    Raises:
        TargetUnavailableError: the place or its clock does not answer.
    """
    deliveries = session.profile.benchmarks[benchmark].deliveries
    if deliveries is None:
        yield None
        return
    own = OwnDeliveries.of(session, benchmark, deliveries, folder, origin_ns)
    try:
        own.begin()
        yield own
    finally:
        own.close()
