"""Own scenarios over TLS: a CA of one's own, any certificate, and refusals before the load."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.errors import ProfileError, TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.stack.health import require_health
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.over_httpx import HttpxConnection
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.python.scenario import PythonScenario
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads import own_flows
from perf_pipeline_tests.support.loads.http_worker import an_iteration, context, run
from perf_pipeline_tests.support.loads.own_steps import own
from perf_pipeline_tests.support.servers.certificates import self_signed
from perf_pipeline_tests.support.servers.shop_server import running_shop

STEP = {"name": "login", "path": "/login", "expect": {"status": 200, "json": {"$.token": "t-1"}}}
FLOWS = str(Path(own_flows.__file__).parent)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("own-tls"))


@pytest.fixture(scope="module")
def secure_shop(certificates: Path) -> Iterator[int]:
    with running_shop(certificates) as port:
        yield port


def test_a_ca_of_ones_own_is_trusted_beside_the_profile(
    secure_shop: int, certificates: Path
) -> None:
    given = own(f"https://localhost:{secure_shop}", STEP, caFile="cert.pem", folder=certificates)

    (sample,) = run(HttpSteps(), given, an_iteration()).samples

    assert (sample.outcome, sample.checks_failed) == (Outcome.OK, 0)
    assert sample.tls_us > 0


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_load(
    secure_shop: int,
) -> None:
    with pytest.raises(TargetUnavailableError, match="accepts no connection: tls"):
        run(HttpSteps(), own(f"https://localhost:{secure_shop}", STEP))


def test_any_certificate_and_name_is_taken_where_the_profile_says_so(secure_shop: int) -> None:
    given = own(f"https://127.0.0.1:{secure_shop}", STEP, insecureSkipVerify=True)

    (sample,) = run(HttpSteps(), given, an_iteration()).samples

    assert sample.outcome is Outcome.OK


@pytest.mark.parametrize("transport", ["load", "httpx"])
def test_python_scenarios_use_the_same_certificates_over_both_transports(
    secure_shop: int, certificates: Path, transport: str
) -> None:
    parameters: dict[str, Any] = {
        "exec": "own_flows:login",
        "folder": FLOWS,
        "own": {"caFile": str(certificates / "cert.pem"), "transport": transport},
    }
    given = context(f"https://localhost:{secure_shop}", **parameters)

    samples = run(PythonScenario(), given, an_iteration()).samples

    assert [sample.operation for sample in samples] == ["log in", "GET /echo/{id}", "gone"]
    assert {sample.outcome for sample in samples} == {Outcome.OK}


def test_http2_to_a_target_without_tls_is_refused_before_the_load() -> None:
    with pytest.raises(ProfileError, match="http2 needs a target with https"):
        run(HttpSteps(), own("http://127.0.0.1:9", STEP, http2=True))


@pytest.mark.parametrize("transport", ["load", "httpx"])
def test_http2_to_a_target_that_does_not_speak_it_is_refused_before_the_load(
    secure_shop: int, certificates: Path, transport: str
) -> None:
    parameters: dict[str, Any] = {
        "exec": "own_flows:login",
        "folder": FLOWS,
        "own": {"caFile": str(certificates / "cert.pem"), "transport": transport, "http2": True},
    }
    given = context(f"https://localhost:{secure_shop}", **parameters)

    with pytest.raises(TargetUnavailableError, match="does not speak HTTP/2") as refusal:
        run(PythonScenario(), given, an_iteration())

    assert "did not choose h2" in refusal.value.sentence
    assert "leave http2 out" in refusal.value.hint


def test_an_answer_in_http1_where_http2_was_asked_for_is_an_error_over_httpx_too(
    secure_shop: int, certificates: Path
) -> None:
    """A balancer may lead a later connection to a machine without HTTP/2."""
    origin = HttpOrigin.parse(f"https://localhost:{secure_shop}")
    trusted = ssl.create_default_context(cafile=certificates / "cert.pem")

    async def main() -> HttpResult:
        connection = HttpxConnection(origin, trusted, http2=True)
        result = await connection.send(
            origin.encode("GET", "/login", b"", b""), timeout_us=5_000_000
        )
        connection.close()
        await asyncio.sleep(0.05)
        return result

    assert asyncio.run(main()).error == "not_http2"


def test_the_question_for_health_trusts_whom_the_scenarios_trust(
    secure_shop: int, certificates: Path
) -> None:
    require_health(f"https://localhost:{secure_shop}", Trust((certificates / "cert.pem",)))
    require_health(f"https://127.0.0.1:{secure_shop}", Trust(anybody=True))
    with pytest.raises(TargetUnavailableError, match="certificate verify failed"):
        require_health(f"https://localhost:{secure_shop}", Trust())
