"""A localhost that leads to another machine is asked nothing, whatever a run wants to ask there."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.kafka_token import token_of
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import TargetNotAllowedError
from perf_pipeline.loading import own_topics
from perf_pipeline.loading.tier_probes import require_prometheus
from perf_pipeline_tests.support.loads.sessions import session_with

TOKEN = {
    "sasl.oauthbearer.token.endpoint.url": "http://localhost:1/token",
    "sasl.oauthbearer.client.id": "perf",
    "sasl.oauthbearer.client.secret": "s3cret-of-perf",
}
MESSAGES = {
    "exec": "produce",
    "executor": "constant-vus",
    "vus": 1,
    "duration": "1s",
    "parameters": {"json": {}, "schema": {"registry": "http://localhost:1"}},
}
SHOP = {
    "brokers": "127.0.0.1:1",
    "prometheus": "http://localhost:1",
    "tiers": {"api": {"cpu_percent": "up"}},
}


def ask_for_token(allowed: tuple[str, ...]) -> None:
    token_of(TOKEN, AllowedHosts.read(allowed))


def ask_prometheus(allowed: tuple[str, ...]) -> None:
    require_prometheus(resolve_target("shop", shop(allowed).targets["shop"], {}))


def ask_registry(allowed: tuple[str, ...]) -> None:
    profile = shop(allowed)
    session = session_with(profile, resolve_target("shop", profile.targets["shop"], {}))
    own_topics.require_own_topics(session, "orders")


def shop(allowed: tuple[str, ...]) -> Any:
    raw = {
        "name": "shop",
        "target": "shop",
        "targets": {"shop": {**SHOP, "allowed": list(allowed)}},
        "benchmarks": {"orders": {"scenarios": {"placed": MESSAGES}}},
    }
    return validate_profile(raw, "shop.toml")


@pytest.mark.parametrize("ask", [ask_for_token, ask_prometheus, ask_registry])
def test_a_localhost_of_another_machine_is_asked_nothing(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[tuple[str, ...]], None]
) -> None:
    """As /etc/hosts may say it: 192.0.2.1 is nobody's (RFC 5737)."""

    def resolved(host: str, *_: object, **__: object) -> list[Any]:
        assert host == "localhost"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(own_topics, "most_message_bytes", lambda *_: None)  # a broker's answer
    monkeypatch.setattr(socket, "getaddrinfo", resolved)

    with pytest.raises(TargetNotAllowedError, match=r"localhost means 192\.0\.2\.1 here"):
        ask(())
