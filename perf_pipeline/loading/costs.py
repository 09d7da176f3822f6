"""Look into what the target's time goes into while a benchmark's loads run, and write it down.

Add here: who looks into another tier. Keep out: how it is seen (probes/).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.cost import COST_COLUMNS
from perf_pipeline.probes.postgres_costs import PostgresCosts
from perf_pipeline.probes.track import csv_lines


class CostsWatch:
    """Look into the parts that tell what they do, while a load runs and at no other time."""

    def __init__(self, session: Session) -> None:
        dsn = session.target.postgres_dsn
        self._database = PostgresCosts(dsn) if dsn else None

    def start(self) -> None:
        """Begin to look, right before a load."""
        if self._database is not None:
            self._database.start()

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Look no more when the load that runs inside is over, however it ends."""
        try:
            yield
        finally:
            if self._database is not None:
                self._database.stop()

    def write(self, folder: Path) -> list[str]:
        """Write the costs of all loads into a benchmark's folder; return what is not known."""
        if self._database is None:
            return []
        costs = self._database.costs()
        if costs:
            rows = csv_lines([COST_COLUMNS, *map(astuple, costs)])
            (folder / "costs-postgres.csv").write_bytes(rows)
        return list(dict.fromkeys(self._database.problems))
