"""Functions that run on a host: report facts about it before any load, and start an agent.

The engine calls them by their names on the host, which has this package installed. Add here:
another question to a host. Keep out: engines (dask_engine.py), and judging the answers (checks.py).
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.allowed import AllowedHosts, entries_in
from perf_pipeline.config.hosts import Place
from perf_pipeline.engine.control_group import allowed_cpus
from perf_pipeline.engine.worker_start import worker_environment

_PACKAGE: Final = "perf_pipeline"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NETWORK: Final = Path("/proc/self/ns/net")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")  # PEP 508
_EXTRA: Final = "fleet"
_CODE: Final = frozenset({".py", ".so", ".sql"})


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Hold the facts that a host reports.

    Attributes:
        python: version of its Python.
        packages: version of each package that perf_pipeline needs, its extra `fleet` included.
        code: hash of this package's files.
        network: the name of the machine and its network; hosts with the same name share loopback.
        cores: CPUs that the process may use.
        refused: the places that it may not load, among those that it was asked about.
    """

    python: str
    packages: Mapping[str, str]
    code: str
    network: str
    cores: int
    refused: tuple[str, ...] = ()


def facts_here(places: Iterable[tuple[str, int | None]] = ()) -> HostFacts:
    """Describe the host that this runs on, and check whether it may load these places.

    The host's own variable PERF_ALLOWED_HOSTS decides, whatever is allowed where the run was
    started.
    """
    allowed = AllowedHosts.read(entries_in(os.environ.get("PERF_ALLOWED_HOSTS", "")))
    return HostFacts(
        platform.python_version(),
        _packages(),
        code_hash(Path(__file__).parent.parent),
        _network(),
        allowed_cpus(),
        tuple(host for host, port in places if not allowed.permits(Place(host, port))),
    )


def _packages() -> dict[str, str]:
    found = {}
    for requirement in requires(_PACKAGE) or ():
        if "extra ==" in requirement and _EXTRA not in requirement.partition("extra ==")[2]:
            continue
        named = _NAME.match(requirement)
        assert named is not None
        with suppress(PackageNotFoundError):
            found[named[0]] = version(named[0])
    return found


def code_hash(root: Path) -> str:
    """Return a hash of a package's files as they are now.

    It is computed each time, because an agent uses the current files, and the asked process may
    have started before they changed.
    """
    summed = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in _CODE):
        summed.update(f"{path.relative_to(root)}\n".encode())
        summed.update(hashlib.sha256(path.read_bytes()).digest())
    return summed.hexdigest()


def _network() -> str:
    """Return a text that is equal for processes with one loopback: machine, boot and network."""
    try:
        return f"{_BOOT.read_text(encoding='ascii').strip()} {_NETWORK.stat().st_ino}"
    except OSError:
        return platform.node()


def agent_started(host: str, tls: Mapping[str, str] | None) -> dict[str, Any]:
    """Start an agent that listens on an address of this host; return its port and its token.

    The agent gets everything through a pipe, and goes on when this process ends.

    Raises:
        RuntimeError: the agent did not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "perf_pipeline.fleet.agent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=worker_environment(),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(json.dumps({"host": host, "tls": tls}).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the agent ended with {process.wait()}")
    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie remains
    started: dict[str, Any] = json.loads(line)
    return started
