"""Take the fingerprint of where a run happened; only runs with the same one are compared.

Add here: a fact that moves figures. Keep out: anything that changes at every run (addresses, pids,
free memory), because each run would start a new history.
"""

import os
import platform
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.kafka_listeners import broker_release
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target
from perf_pipeline.engine import recorder
from perf_pipeline.engine.control_group import Limits, allowed_cpus, read_limits
from perf_pipeline.loading.ci_facts import one_line
from perf_pipeline.probes.postgres import server_facts
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.secrecy.addresses import mask_address
from perf_pipeline.stack.link_routes import NO_LINKS, Links
from perf_pipeline.stack.parts import ServiceInfo

_CLIENTS: Final = ("confluent-kafka", "httptools", "psycopg", "uvloop")
RUNNER_VARIABLE: Final = "PERF_RUNNER_CLASS"
_OF_ONE_MACHINE: Final = frozenset({"cpu", "memory", "system"})
_GIB: Final = 1 << 30
_MIB: Final = 1 << 20


def fingerprint(
    profile: Profile,
    target: Target,
    services: Iterable[ServiceInfo],
    environment: Mapping[str, str] = MappingProxyType({}),
    links: Links = NO_LINKS,
) -> dict[str, str]:
    """Describe machine, clients, servers and sizes, each as a short text.

    Args:
        profile: the profile, which has the numbers of processes.
        target: the target; a configured system is named by its address.
        services: the parts that run on this machine.
        environment: the environment, in which PERF_RUNNER_CLASS groups machines to be compared with
            one another.
        links: connections between parts that go through a proxy, which affects every benchmark of
            the run.
    """
    facts = {**machine_facts(), **_client_facts(), **generator_facts(recorder.__file__)}
    facts["generator_workers"] = str(profile.workers)
    facts["target"] = target.name
    running = {service.name: service for service in services}
    facts |= _external_facts(target, running)
    for name, service in sorted(running.items()):
        facts[name] = f"{service.kind} {service.version}".strip()
        facts |= {f"{name}.{key}": value for key, value in _steady(service.settings)}
    if links.links:
        facts["proxied"] = ", ".join(link.name for link in links.links)
    return within_class(facts, one_line(environment.get(RUNNER_VARIABLE, "")))


def _external_facts(target: Target, running: Collection[str]) -> dict[str, str]:
    """Describe parts that were not started here; servers that answer report their real versions."""
    facts = {}
    if target.base_url and "api" not in running:
        facts["api"] = f"external {mask_address(target.base_url)}"
    if target.brokers and "broker" not in running:
        release = broker_release(target.brokers, target.allowed)
        facts["broker"] = f"external {release}".strip()
    if target.redis_url and "redis" not in running:
        # redis-py takes 100 ms to import, so only runs with a Redis import it.
        from perf_pipeline.probes.redis import RedisProbe  # noqa: PLC0415

        with suppress(ProbeError):
            facts["redis"] = f"external {RedisProbe(target.redis_url).server_version()}".strip()
    if target.postgres_dsn and "postgres" not in running:
        with suppress(ProbeError):  # the benchmark that needs it reports that it does not answer
            told = server_facts(target.postgres_dsn)
            facts |= {f"postgres.{key}": value for key, value in told.items()}
    return facts


def within_class(facts: Mapping[str, str], runner_class: str) -> dict[str, str]:
    """Group runs by a declared class of machines, and leave out what differs within the class.

    Hosted runners have another processor and kernel each time; by declaring a class, the user says
    that runs on them may be compared. Cores, limits and everything else stay.

    >>> within_class({"cpu": "A", "cores": "4", "system": "Linux 6.1"}, "ci-4")
    {'cores': '4', 'runner_class': 'ci-4'}
    """
    if not runner_class:
        return dict(facts)
    kept = {name: value for name, value in facts.items() if name not in _OF_ONE_MACHINE}
    return {**kept, "runner_class": runner_class}


def exact_machine() -> dict[str, str]:
    """Describe this machine exactly for readers; runs are not grouped by this."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu_model(),
        "cores": str(allowed_cpus()),
        "memory": f"{round(memory / _MIB)} MiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def machine_facts() -> dict[str, str]:
    """Describe processor, cores, memory and system, and how much a container may use.

    Of Python's and the kernel's versions, only the parts that change figures by design count: a
    patch release of either does not begin a new history.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = allowed_cpus()
    return {
        "cpu": _cpu_model(),
        "cores": str(cores),
        "memory": f"{round(memory / _GIB)} GiB",
        "system": f"{platform.system()} {_major_and_minor(platform.release())}",
        "python": _major_and_minor(platform.python_version()),
        **_limit_facts(read_limits(), cores, memory),
    }


def _limit_facts(limits: Limits, cores: int, memory_bytes: int) -> dict[str, str]:
    """Describe limits of our control group that are narrower than the machine."""
    facts = {}
    if limits.cpu_cores is not None and limits.cpu_cores < cores:
        facts["cpu_limit"] = f"{limits.cpu_cores:.3g} cores"
    if limits.memory_bytes is not None and limits.memory_bytes < memory_bytes:
        facts["memory_limit"] = f"{round(limits.memory_bytes / _MIB)} MiB"
    return facts


def _major_and_minor(version_text: str) -> str:
    return ".".join(version_text.split(".")[:2])


def generator_facts(module: str) -> dict[str, str]:
    """Say whether the load generator is compiled, by the file of one of its modules.

    A compiled one needs less CPU per sample, so runs of the two kinds are not compared.

    >>> generator_facts("/lib/perf_pipeline/engine/recorder.cpython-311-x86_64-linux-gnu.so")
    {'load_generator': 'compiled'}
    >>> generator_facts("/lib/perf_pipeline/engine/recorder.py")
    {}
    """
    return {} if module.endswith(".py") else {"load_generator": "compiled"}


def _client_facts() -> dict[str, str]:
    return {f"client.{name}": version(name) for name in _CLIENTS}


def _steady(settings: Mapping[str, str]) -> list[tuple[str, str]]:
    """Leave out ports and folders, which differ from run to run."""
    return [
        (key, value)
        for key, value in sorted(settings.items())
        if not ("port" in key or value.startswith("/"))
    ]


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
