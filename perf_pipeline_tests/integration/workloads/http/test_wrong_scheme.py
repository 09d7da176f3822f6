"""TLS where plain HTTP is expected, and the reverse, is named before the load and in samples."""

import asyncio
import ssl
from collections.abc import Iterator

import pytest

from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.health import require_health
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.connections import no_connection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline_tests.support.servers.certificates import self_signed
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target
from perf_pipeline_tests.support.servers.shop_server import running_shop

ANYBODY = Trust((), anybody=True)


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    with running_shop() as port:
        yield port


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpTarget]:
    folder = self_signed(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with http_target(context) as running:
        yield running


def test_plain_http_to_a_tls_port_is_refused_before_the_load_with_the_remedy(
    secure: HttpTarget,
) -> None:
    with pytest.raises(TargetUnavailableError, match="the target speaks TLS there") as caught:
        require_health(f"http://127.0.0.1:{secure.port}", ANYBODY)

    assert "use https://" in str(caught.value.hint)


def test_tls_to_a_plain_port_is_refused_before_the_load_with_the_remedy(plain: int) -> None:
    with pytest.raises(
        TargetUnavailableError, match="the target speaks plain HTTP there"
    ) as caught:
        require_health(f"https://127.0.0.1:{plain}", ANYBODY)

    assert "use http://" in str(caught.value.hint)


def test_tls_to_a_plain_port_has_an_error_class_of_its_own(plain: int) -> None:
    tls = ssl.create_default_context()
    origin = HttpOrigin.parse(f"https://localhost:{plain}")

    async def main() -> tuple[str, str]:
        connection = HttpConnection(origin, tls=tls)
        result = await connection.request("GET", "/ok", timeout_us=2_000_000)
        error = await connection.connect(timeout_us=2_000_000)
        connection.close()
        return result.error, error

    assert asyncio.run(main()) == ("not_tls", "not_tls")
    sentence = no_connection(origin, "not_tls", 1_000_000)
    assert "the target speaks plain HTTP there" in str(sentence)
