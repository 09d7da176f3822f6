"""Place workers on hosts: spread over the hosts, then over the processes of each host.

Add here: another rule of placement. Keep out: asking an engine for its hosts (dask_engine.py).
"""

from collections.abc import Mapping


def placed(hosts: Mapping[str, str], count: int) -> list[str]:
    """Return, for each load worker in order, the engine's process that starts it.

    >>> placed({"a:1": "a", "a:2": "a", "b:1": "b"}, 4)
    ['a:1', 'b:1', 'a:2', 'b:1']

    Args:
        hosts: process of the engine -> its host; there is at least one.
        count: the number of load workers.
    """
    of_host: dict[str, list[str]] = {}
    for process, host in sorted(hosts.items()):
        of_host.setdefault(host, []).append(process)
    names = list(of_host)
    places = []
    for number in range(count):
        turn, at = divmod(number, len(names))
        processes = of_host[names[at]]
        places.append(processes[turn % len(processes)])
    return places
