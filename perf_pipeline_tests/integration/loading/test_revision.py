"""A run knows what it measured: its version by the environment, the API or a command, and by CI."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target, resolve_target
from perf_pipeline.loading.revision import Revision, revision_of
from perf_pipeline.stack.health import answer_to
from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


class _Versioned(QuietHandler):
    """Tell the version in JSON, in a header, and as text; send elsewhere for /moved."""

    def do_GET(self) -> None:
        """Answer by the path."""
        body = json.dumps({"build": {"version": "v1.4.2", "number": 7, "tags": []}}).encode()
        if self.path == "/text":
            body = b"v1.4.1\nbuilt by hand\n"
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("X-Version", "v1.4.3")
        self.send_header("Location", "/text")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with serving(_Versioned) as url:
        yield url


def _target(folder: Path, base_url: str, version: str) -> tuple[Profile, Target]:
    path = folder / "shop.toml"
    path.write_text(
        f"""
        name = "shop"
        target = "shop"
        [targets.shop]
        baseUrl = "{base_url}"
        version = {version}
        [benchmarks.visits.scenarios.people]
        exec = "http_steps"
        executor = "per-vu-iterations"
        vus = 1
        iterations = 1
        parameters.steps = [{{ name = "look", path = "/" }}]
        """
    )
    profile = load_profile(str(path))
    return profile, resolve_target("shop", profile.targets["shop"], {})


def asked(folder: Path, base_url: str, version: str, **environment: str) -> Revision:
    return revision_of(*_target(folder, base_url, version), environment)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ('{ path = "/version", json = "$.build.version" }', "v1.4.2"),
        ('{ path = "/version", json = "$.build.number" }', "7"),
        ('{ path = "/version", header = "x-version" }', "v1.4.3"),
        ('{ path = "/text" }', "v1.4.1"),
        ('{ command = ["cat", "VERSION"] }', "v9"),
    ],
)
def test_the_version_is_read_where_the_target_tells_it(
    version: str, told: str, base_url: str, tmp_path: Path
) -> None:
    (tmp_path / "VERSION").write_text("v9\n")

    assert asked(tmp_path, base_url, version) == Revision({"version": told})


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ('{ path = "/version", json = "$.build.none" }', "has nothing at $.build.none"),
        ('{ path = "/version", json = "$.build.tags" }', "has no text at $.build.tags"),
        ('{ path = "/version", header = "X-Other" }', "has no header X-Other"),
        ('{ path = "/moved" }', "answered 302"),
        ('{ command = ["cat", "NONE"] }', "'cat NONE' ended with exit code 1"),
        ('{ command = ["no-such-program"] }', "'no-such-program' can't be run"),
        ('{ command = ["true"] }', "'true' printed nothing"),
    ],
)
def test_a_version_that_cannot_be_read_is_a_notice(
    version: str, why: str, base_url: str, tmp_path: Path
) -> None:
    found = asked(tmp_path, base_url, version)

    assert found.facts == {}
    assert len(found.notices) == 1
    assert found.notices[0].startswith("the version of target shop is not known: ")
    assert why in found.notices[0]


# Nobody listens at 127.0.0.2.
@pytest.mark.parametrize(
    "addresses",
    [("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1")],
    ids=["the first answers", "the last answers"],
)
def test_a_name_is_asked_at_every_address_that_it_leads_to(
    addresses: tuple[str, str], base_url: str
) -> None:
    answer = answer_to(f"{base_url}/text", Trust(), addresses)

    assert answer.text == "v1.4.1\nbuilt by hand\n"


def test_the_environment_wins_and_ci_adds_its_facts(tmp_path: Path) -> None:
    variables = {"GITLAB_CI": "true", "CI_COMMIT_SHA": "f00", "PERF_TARGET_VERSION": "v2"}

    found = asked(tmp_path, "http://127.0.0.1:9", '{ path = "/version" }', **variables)

    assert found == Revision({"version": "v2", "commit": "f00"})


def test_a_target_that_does_not_answer_costs_no_run(tmp_path: Path) -> None:
    found = asked(tmp_path, "http://127.0.0.1:9", '{ path = "/version" }')

    assert "GET http://127.0.0.1:9/version got no answer" in found.notices[0]
