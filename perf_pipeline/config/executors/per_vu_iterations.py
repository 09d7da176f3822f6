"""k6's per-vu-iterations. Source: grafana/k6 lib/executor/per_vu_iterations.go.

Add here: a key or rule of this executor alone. Keep out: what both quotas share (kinds.py).
"""

from typing import Literal

from perf_pipeline.config.executors.kinds import IterationQuota


class PerVUIterations(IterationQuota):
    """Let every VU run the same number of iterations."""

    executor: Literal["per-vu-iterations"]

    @property
    def is_shared(self) -> bool:
        """Say that each VU has its own iterations."""
        return False

    @property
    def description(self) -> str:
        """Say `10 VUs, 5 iterations each`."""
        return f"{self.vus} VUs, {self.iterations} iterations each"
