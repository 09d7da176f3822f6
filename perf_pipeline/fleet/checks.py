"""Check whether the hosts of a fleet can generate the load, by the facts that they report.

Add here: another respect in which a host may differ. Keep out: asking hosts (host.py).
"""

from collections.abc import Iterator, Mapping, Sequence

from perf_pipeline.config.hosts import Place, is_this_machine
from perf_pipeline.fleet.host import HostFacts


def of_hosts(
    told: Mapping[str, HostFacts], hosts: Mapping[str, str]
) -> tuple[dict[str, HostFacts], list[str]]:
    """Return the facts of each host, and the hosts whose processes differ.

    Any process of a host may have to start a load worker, so a fact about only one of them (another
    Python environment, or PERF_ALLOWED_HOSTS) would apply to only some of its workers.

    Args:
        told: the facts from each process of the engine.
        hosts: process of the engine -> its host.
    """
    facts, split = dict[str, HostFacts](), dict[str, None]()
    for process, found in told.items():
        if facts.setdefault(hosts[process], found) != found:
            split[hosts[process]] = None
    return facts, list(split)


def differences(host: str, found: HostFacts, here: HostFacts) -> Iterator[str]:
    """Say how a host's software differs from the driver's; nothing if it is the same."""
    if found.python != here.python:
        yield f"{host} has Python {found.python} and this machine {here.python}"
    for name in sorted({*found.packages, *here.packages}):
        there, ours = found.packages.get(name, "none"), here.packages.get(name, "none")
        if there != ours:
            yield f"{host} has {name} {there} and this machine {ours}"
    if found.code != here.code:
        yield f"the perf_pipeline of {host} differs from this machine's"


def refusals(
    host: str, found: HostFacts, here: HostFacts, places: Sequence[Place]
) -> Iterator[str]:
    """Say which places a host may not load, by its rules or because they mean the host itself."""
    if found.refused:
        names = ", ".join(dict.fromkeys(found.refused))
        yield f"{host} may not load {names}, which its own PERF_ALLOWED_HOSTS does not name"
    if found.network == here.network:
        return
    if own := dict.fromkeys(place.host for place in places if is_this_machine(place.host)):
        yield f"{', '.join(own)} is {host} itself, when {host} connects to it"


def size_of(facts: Mapping[str, HostFacts]) -> str:
    """Describe the hosts for the fingerprint: their number, and the cores of each.

    Args:
        facts: the facts of each host, by its name.
    """
    cores = sorted(found.cores for found in facts.values())
    hosts = "1 host" if len(cores) == 1 else f"{len(cores)} hosts"
    return f"{hosts}, cores {' '.join(map(str, cores))}"


def too_many(facts: Mapping[str, HostFacts], generators: int) -> str:
    """Say if there are more load workers than cores; empty if each worker can have a core."""
    cores = sum(found.cores for found in facts.values())
    if generators <= cores:
        return ""
    return f"{generators} load workers share the {cores} cores of the fleet"
