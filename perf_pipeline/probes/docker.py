"""Read containers through the Docker Engine API on its unix socket (Podman's is the same).

Add here: another figure of the API's `stats`. Keep out: starting and stopping containers.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import ANSWER_WITHIN_S, MIN_SPAN_S, ProbeError

DEFAULT_SOCKET: Final = Path("/var/run/docker.sock")
_UNIX: Final = "unix://"
_DIGITS: Final = 12
_PERIOD_US: Final = 100_000  # the kernel's default if only a quota is set


@dataclass(frozen=True, slots=True)
class _ContainerCounters:
    taken_ns: int
    cpu_ns: int
    io_bytes: int
    network_bytes: int | None
    memory_bytes: int | None


class DockerProbe:
    """Read CPU (of one core), memory, I/O and network of containers; the source is the container.

    For its own CPU percentage, the API has to wait for a second reading. Here `one-shot` is used,
    which answers in milliseconds (API 1.41, Docker 20.10), and two readings of the sampler are
    compared.

    Args:
        containers: names or ids of the containers.
        socket: the socket of the engine; see `docker_socket`.
        no_socket: why there is no socket, which every attempt then reports; empty if there is one.
    """

    name = "docker"

    def __init__(
        self, containers: Sequence[str], socket: Path = DEFAULT_SOCKET, *, no_socket: str = ""
    ) -> None:
        self._containers = tuple(containers)
        self._socket = socket
        self._no_socket = no_socket
        self._client: httpx.Client | None = None
        self._before: dict[str, _ContainerCounters] = {}

    @classmethod
    def where_environment_says(
        cls, containers: Sequence[str], environment: Mapping[str, str]
    ) -> Self:
        """Make a probe for the engine that DOCKER_HOST names, or for the usual one."""
        try:
            return cls(containers, docker_socket(environment))
        except ProbeError as error:
            return cls(containers, no_socket=error.sentence)

    def available(self) -> tuple[bool, str]:
        """Say whether an engine answers, with its version or the reason why it does not."""
        if self._no_socket:
            return False, self._no_socket
        if not self._socket.is_socket():
            return False, f"there is no Docker here: no socket at {self._socket}"
        with _connected(self._socket) as client:
            try:
                version = _get(client, "/version")
            except ProbeError as error:
                return False, error.sentence
        return True, f"Docker {version.get('Version')}, API {version.get('ApiVersion')}"

    def open(self) -> None:
        """Connect, and read the counters from which the first rates are worked out.

        Raises:
            ProbeError: there is no engine, or it does not know a container.
        """
        if self._no_socket:
            raise ProbeError(self._no_socket)
        self._client = _connected(self._socket)
        self._before = self._look()

    def read(self, at_us: int) -> list[Reading]:
        """Return memory, and also rates if the previous counters are at least MIN_SPAN_S old.

        A container that does not run has no reading.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S, or a container is gone.
        """
        readings: list[Reading] = []
        for name, now in self._look().items():
            if now.memory_bytes is None:
                self._before.pop(name, None)
                continue
            values = {"process_memory_bytes": float(now.memory_bytes)}
            before = self._before.setdefault(name, now)
            span_s = (now.taken_ns - before.taken_ns) / 1e9
            if span_s >= MIN_SPAN_S:
                values |= _rates(before, now, span_s)
                self._before[name] = now
            readings += [Reading(at_us, name, metric, value) for metric, value in values.items()]
        return readings

    def cores_of(self, container: str) -> float | None:
        """Return how many cores a container may use: its limit, or those of its machine.

        Raises:
            ProbeError: there is no answer.
        """
        if self._client is None:
            raise ProbeError("the Docker probe is not open")
        path = f"/containers/{quote(container, safe='')}"
        limits = _get(self._client, f"{path}/json").get("HostConfig") or {}
        if nano := limits.get("NanoCpus"):
            return float(nano) / 1e9
        if (quota := limits.get("CpuQuota") or 0) > 0:
            return float(quota) / float(limits.get("CpuPeriod") or _PERIOD_US)
        stats = _get(self._client, f"{path}/stats?stream=false&one-shot=true")
        online = (stats.get("cpu_stats") or {}).get("online_cpus")
        return float(online) if online else None

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _look(self) -> dict[str, _ContainerCounters]:
        if self._client is None:
            raise ProbeError("the Docker probe is not open")
        found: dict[str, _ContainerCounters] = {}
        for name in self._containers:
            path = f"/containers/{quote(name, safe='')}/stats?stream=false&one-shot=true"
            found[name] = _snapshot(_get(self._client, path))
        return found


def image_of(container: str, environment: Mapping[str, str]) -> str:
    """Return the name of a container's image with the first 12 digits of the image's digest.

    Raises:
        ProbeError: there is no engine, no such container, or no answer.
    """
    with _connected(docker_socket(environment)) as client:
        found = _get(client, f"/containers/{quote(container, safe='')}/json")
    name = str((found.get("Config") or {}).get("Image") or "image")
    digest = str(found.get("Image") or "").removeprefix("sha256:")[:_DIGITS]
    # The name of an image that was chosen by digest already has the digest in it.
    return name if not digest or digest in name else f"{name} {digest}"


def docker_socket(environment: Mapping[str, str]) -> Path:
    """Return the engine's socket, from DOCKER_HOST or the usual place.

    Raises:
        ProbeError: DOCKER_HOST is not a unix socket.
    """
    host = environment.get("DOCKER_HOST", "")
    if not host:
        return DEFAULT_SOCKET
    if not host.startswith(_UNIX):
        raise ProbeError(
            "DOCKER_HOST does not name a unix socket, but containers can be read only over unix://"
        )
    path = host.removeprefix(_UNIX)
    return Path(path) if path else DEFAULT_SOCKET


def _connected(socket: Path) -> httpx.Client:
    return httpx.Client(
        # There is no TLS here, and loading certificates would cost 20 ms at every attempt.
        transport=httpx.HTTPTransport(uds=str(socket), verify=False, trust_env=False),
        base_url="http://docker",
        timeout=ANSWER_WITHIN_S,
        trust_env=False,
    )


def _get(client: httpx.Client, path: str) -> Mapping[str, Any]:
    try:
        response = client.get(path)
        answer = response.json()
    except httpx.HTTPError as error:
        text = str(error) or type(error).__name__
        raise ProbeError(f"the Docker engine does not answer: {text}") from None
    except ValueError:
        raise ProbeError("what listens on the Docker socket does not speak its API") from None
    if response.status_code != httpx.codes.OK:
        message = answer.get("message", f"status {response.status_code}")
        raise ProbeError(f"the Docker engine refuses: {message}")
    return dict(answer)


def _snapshot(stats: Mapping[str, Any]) -> _ContainerCounters:
    memory = stats.get("memory_stats") or {}
    blocks = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    return _ContainerCounters(
        taken_ns=time.monotonic_ns(),
        cpu_ns=int(stats["cpu_stats"]["cpu_usage"]["total_usage"]),
        io_bytes=sum(
            int(entry["value"]) for entry in blocks if entry["op"].lower() in {"read", "write"}
        ),
        network_bytes=_network_bytes(stats.get("networks")),
        memory_bytes=_resident_bytes(memory),
    )


def _resident_bytes(memory: Mapping[str, Any]) -> int | None:
    """Return the memory that `docker stats` shows: usage without page cache that can be dropped."""
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    # In cgroup v1 the name begins with total_.
    droppable = details.get("total_inactive_file", details.get("inactive_file", 0))
    return max(0, int(memory["usage"]) - int(droppable))


def _network_bytes(networks: Mapping[str, Mapping[str, Any]] | None) -> int | None:
    """Return the bytes over all networks of a container; None if it has no network of its own."""
    if not networks:
        return None
    return sum(int(network["rx_bytes"]) + int(network["tx_bytes"]) for network in networks.values())


def _rates(before: _ContainerCounters, now: _ContainerCounters, span_s: float) -> dict[str, float]:
    if now.cpu_ns < before.cpu_ns:  # it was restarted in between, so its counters started again
        return {}
    rates = {
        "process_cpu_percent": 100 * (now.cpu_ns - before.cpu_ns) / 1e9 / span_s,
        "process_io_bytes_per_s": max(0, now.io_bytes - before.io_bytes) / span_s,
    }
    if now.network_bytes is not None and before.network_bytes is not None:
        grown = max(0, now.network_bytes - before.network_bytes)
        rates["process_network_bytes_per_s"] = grown / span_s
    return rates
