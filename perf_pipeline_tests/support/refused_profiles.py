"""A shop's profile for mistakes to be written into, and what is said about each.

Add here: another part that tests misspell. Keep out: the mistakes.
"""

from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.errors import ProfileError

STEP: dict[str, Any] = {"name": "list", "path": "/orders"}
LOOK: dict[str, Any] = {
    "exec": "http_steps",
    "executor": "constant-vus",
    "vus": 1,
    "duration": "1s",
    "parameters": {"steps": [STEP]},
}
ARRIVALS = {"executor": "constant-arrival-rate", "rate": 1, "duration": "1s", "preAllocatedVUs": 1}


def shop(look: dict[str, Any] | None = None, **benchmark: Any) -> dict[str, Any]:
    """Give the profile of a shop, with another scenario or more keys of its benchmark."""
    orders = {"scenarios": {"look": look or LOOK}, **benchmark}
    return {"name": "shop", "benchmarks": {"orders": orders}}


def the_answer_to(raw: dict[str, Any]) -> str:
    """Give the only sentence about a profile that must be refused."""
    with pytest.raises(ProfileError) as caught:
        validate_profile(raw, "shop.toml")
    (answer,) = caught.value.problems
    return answer
