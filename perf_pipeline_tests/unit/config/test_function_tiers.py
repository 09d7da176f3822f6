import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.errors import ProfileError

LOAD = {"exec": "create_user", "executor": "constant-vus", "vus": 1, "duration": "1s"}


@pytest.mark.parametrize("tier", ["../api", "api/2", ""])
def test_a_tier_that_could_not_be_the_name_of_a_file_is_refused(tier: str) -> None:
    # Its costs are a file of its own, written when the load is over.
    benchmark = {"scenarios": {"create": LOAD}, "functions": ["api", tier]}

    with pytest.raises(ProfileError) as caught:
        validate_profile({"name": "odd", "benchmarks": {"end_to_end": benchmark}}, "odd.toml")

    (mistake,) = caught.value.problems
    assert mistake.startswith("benchmarks.end_to_end.functions")
    assert "a small letter, then at most 40 small letters" in mistake
