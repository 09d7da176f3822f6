"""`[alerts]` of a profile is read with the rest of it: mistakes are told, and nothing is secret."""

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

SCENARIO = {
    "exec": "http_steps",
    "executor": "per-vu-iterations",
    "vus": 1,
    "iterations": 1,
    "parameters": {"steps": [{"name": "look", "path": "/"}]},
}
MAIL = {"server": "localhost:25", "from": "perf@example.org", "to": ["team@example.org"]}


def profile_with(**alerts: object) -> Profile:
    """Read a profile with alerts."""
    more = {"alerts": alerts} if alerts else {}
    written = {
        "name": "shop",
        "target": "shop",
        "targets": {"shop": {"baseUrl": "http://127.0.0.1:1"}},
        "benchmarks": {"visits": {"scenarios": {"people": SCENARIO}}},
    }
    return validate_profile(written | more, "shop.toml")


@pytest.mark.parametrize(
    ("alerts", "sentence"),
    [
        ({"on": ["failed"]}, "names no receiver; add slackEnv, email or url"),
        ({"slackEnv": "https://hooks.slack.com/x"}, "is not the name of an environment variable"),
        ({"slackEnv": "A", "on": ["broken"]}, "alerts.on"),
        ({"slack": "A"}, "alerts"),
        ({"email": {**MAIL, "server": "localhost"}}, "write host and port"),
        ({"email": {**MAIL, "to": ["nobody"]}}, "write an address such as team@example.org"),
        ({"email": {**MAIL, "to": []}}, "alerts.email.to"),
        ({"email": {**MAIL, "userEnv": "U"}}, "needs both userEnv and passwordEnv, or neither"),
        ({"url": {"addressEnv": "A", "body": "${secret}"}}, "names ${secret}; a template may name"),
        ({"url": {"addressEnv": "A", "body": "50 $"}}, "has a $ without a name after it"),
    ],
)
def test_alerts_that_can_not_be_are_told_before_any_load(
    alerts: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        profile_with(**alerts)

    assert sentence in str(caught.value)


def test_who_is_told_is_no_part_of_what_is_compared_or_stored() -> None:
    silent, telling = profile_with(), profile_with(slackEnv="HOOK", email=MAIL)

    assert telling.alerts is not None
    assert telling.alerts.on == ("failed", "regressed", "invalid", "notMeasured")
    assert telling.config_hash == silent.config_hash
    assert "example.org" not in telling.as_json
