"""The parameters of an HTTP scenario, read once before the load.

Add here: a parameter that every HTTP workload takes. Keep out: validation for people (config/).
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from perf_pipeline.config.defaults import REQUEST_TIMEOUT_US
from perf_pipeline.config.http_steps import Auth, OwnHttpParameters
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.http.origin import HttpOrigin, header_block
from perf_pipeline.workloads.http.tracing import Traces

ENV_PREFIX: Final = "env:"  # of the names of environment variables among a worker's secrets
_JSON: Final = "application/json"
_DEFAULT_HEADERS: Final = (("Accept", _JSON), ("User-Agent", "perf-pipeline"))


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Hold what a scenario says about its requests.

    Attributes:
        origin: parameter `base_url`, and `proxy_port` where connections go through a proxy.
        tls: trusts the certificates of `ca_file`, or the system's; None for http.
        headers: written once: defaults, parameter `headers`, secret `bearer_token`.
        timeout_us: from the first byte sent to the last received; 10 s unless given.
        think_low_us: first of `think_time_us`, 0 unless given.
        think_high_us: last of `think_time_us`, 0 unless given.
    """

    origin: HttpOrigin
    tls: ssl.SSLContext | None
    headers: bytes
    timeout_us: int
    think_low_us: int
    think_high_us: int

    @classmethod
    def read(cls, context: WorkerContext, *, has_body: bool) -> Self:
        """Read the parameters and secrets of a scenario whose requests have a body or not.

        Raises:
            ValueError: an address or header is wrong; its value is not repeated.
        """
        parameters = context.parameters
        origin = _origin(context)
        low_us, high_us = parameters.get("think_time_us", (0, 0))
        trusted = parameters.get("ca_file")
        return cls(
            origin=origin,
            tls=ssl.create_default_context(cafile=trusted) if origin.is_tls else None,
            headers=_headers(context, has_body=has_body),
            timeout_us=parameters.get("timeout_us", REQUEST_TIMEOUT_US),
            think_low_us=low_us,
            think_high_us=high_us,
        )


@dataclass(frozen=True, slots=True)
class OwnHttpSettings:
    """Hold how a scenario of the user's own talks to the target.

    Attributes:
        origin: parameter `base_url`, and `proxy_port` where connections go through a proxy.
        tls: trusts `caFile`, the system's authorities, or anybody (`insecureSkipVerify`).
        authorization: value of that header, a secret; empty when there is none.
        secrets: environment variables that the scenario may use, by name.
        env: the scenario's own values, by name; no secrets.
    """

    origin: HttpOrigin
    tls: ssl.SSLContext | None
    authorization: str
    secrets: Mapping[str, str]
    env: Mapping[str, str]

    @classmethod
    def read(cls, context: WorkerContext, parameters: OwnHttpParameters) -> Self:
        """Read the address, the certificates and the secrets.

        Raises:
            ValueError: the address is wrong.
        """
        origin = _origin(context)
        folder = Path(context.parameters["folder"])
        secrets = own_secrets(context)
        tls = _own_tls(parameters, folder) if origin.is_tls else None
        env = context.parameters.get("env", {})
        auth = parameters.auth
        written = "" if auth is None else authorization(auth, secrets[auth.variable])
        return cls(origin, tls, written, secrets, env)


def traces_of(parameters: OwnHttpParameters, context: WorkerContext) -> Traces | None:
    """Return what writes the header `traceparent`; None where the scenario asks for none."""
    if not parameters.trace:
        return None
    return Traces(str(context.parameters["run"]), parameters.trace_ratio)


def traces_in(context: WorkerContext) -> Traces | None:
    """Return the same for a workload that reads parameter by parameter."""
    if not context.parameters.get("trace"):
        return None
    return Traces(str(context.parameters["run"]), context.parameters.get("trace_ratio", 1.0))


def own_secrets(context: WorkerContext) -> dict[str, str]:
    """Return the environment variables that a scenario may use, by name."""
    return {
        name.removeprefix(ENV_PREFIX): secret
        for name, secret in context.secrets.items()
        if name.startswith(ENV_PREFIX)
    }


def _origin(context: WorkerContext) -> HttpOrigin:
    # Two workers with a connection each begin with two addresses.
    given = context.parameters
    return HttpOrigin.parse(
        given["base_url"],
        given.get("allowed", ()),
        first_turn=context.worker,
        through=given.get("proxy_port", 0),
    )


def _own_tls(parameters: OwnHttpParameters, folder: Path) -> ssl.SSLContext:
    trusted = folder / parameters.ca_file if parameters.ca_file else None
    tls = ssl.create_default_context(cafile=trusted)
    if parameters.insecure_skip_verify:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if parameters.http2:
        # HTTP/1.1 too: a server without HTTP/2 shall choose it and be named, not break off.
        tls.set_alpn_protocols(["h2", "http/1.1"])
    return tls


def authorization(auth: Auth, secret: str) -> str:
    """Return the value of the Authorization header that carries a secret."""
    if auth.bearer_env:
        return f"Bearer {secret}"
    return f"Basic {b64encode(secret.encode()).decode('ascii')}"


def own_ids(context: WorkerContext) -> list[str]:
    """Read the ids of this worker: of the lines of `ids_file` every n-th, from its number on.

    Raises:
        TargetUnavailableError: no id is left for this worker.
    """
    path = Path(context.parameters["ids_file"])
    lines = path.read_text("utf-8").split()
    ids = lines[context.worker :: context.workers]
    if not ids:
        raise TargetUnavailableError(
            f"{path.name} has {len(lines)} ids, too few for {context.workers} workers",
            hint="seed more users, or give this scenario a larger share of them",
        )
    return ids


def _headers(context: WorkerContext, *, has_body: bool) -> bytes:
    headers = dict(_DEFAULT_HEADERS) | ({"Content-Type": _JSON} if has_body else {})
    given = dict(context.parameters.get("headers", {}))
    if token := context.secrets.get("bearer_token"):
        given["Authorization"] = f"Bearer {token}"
    replaced = {name.lower() for name in given}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    return header_block(kept | given)
