"""k6's shared-iterations. Source: grafana/k6 lib/executor/shared_iterations.go.

Add here: a key or rule of this executor alone. Keep out: what both quotas share (kinds.py).
"""

from typing import Literal, Self

from pydantic import model_validator

from perf_pipeline.config.executors.kinds import IterationQuota


class SharedIterations(IterationQuota):
    """Let the VUs share a number of iterations; a fast VU does more of them."""

    executor: Literal["shared-iterations"]

    @model_validator(mode="after")
    def _has_work_for_all(self) -> Self:
        if self.iterations < self.vus:
            raise ValueError(
                f"iterations ({self.iterations}) can't be less than the number of VUs ({self.vus})"
            )
        return self

    @property
    def is_shared(self) -> bool:
        """Say that all VUs take from one number of iterations."""
        return True

    @property
    def description(self) -> str:
        """Say `50 iterations shared by 10 VUs`."""
        return f"{self.iterations} iterations shared by {self.vus} VUs"
