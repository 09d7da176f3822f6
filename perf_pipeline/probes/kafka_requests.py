"""Read where Kafka's requests spend their time, as counted by the brokers themselves.

A broker keeps, for each kind of request, how many there were and how long they were in its queue,
being processed, waiting for others (`acks=all`, throttling), and on their way out
(kafka.network:type=RequestMetrics, https://kafka.apache.org/documentation/#monitoring). The mean is
over the broker's whole life, so mean times count is a sum, whose growth is as exact as the broker's
own figures. The broker rounds each time to whole milliseconds
(RequestChannel.updateRequestMetrics), so anything under half a millisecond counts as zero. Jolokia
(https://jolokia.org) provides these figures over HTTP; it is asked before and after a load, and
never in between.

Add here: another costly kind of request. Keep out: the metadata request of a client
(probes/kafka.py), and what costs mean (analysis/costs.py).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import httpx

from perf_pipeline.metrics.cost import Cost
from perf_pipeline.probes.probe import ANSWER_WITHIN_S, ProbeError, masked

QUEUE: Final = "queue"
REQUEST: Final = "request"
_MOST_KEPT: Final = 20
_PHASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RequestQueueTimeMs": "in the request queue",
        "LocalTimeMs": "in the broker",
        "RemoteTimeMs": "waiting for other brokers",
        "ThrottleTimeMs": "throttled",
        "ResponseQueueTimeMs": "in the response queue",
        "ResponseSendTimeMs": "sending",
    }
)
# The remote time of a fetch is its wait for messages, which costs nothing.
_WAITS: Final = frozenset({"FetchConsumer", "FetchFollower", "ShareFetch", "JoinGroup"})
# Each fetch counts as that of a consumer or of a follower, and once more under this name.
_COUNTED_TWICE: Final = "Fetch"
_QUESTION: Final = {
    "type": "read",
    "mbean": "kafka.network:type=RequestMetrics,name=*TimeMs,request=*",
    "attribute": ["Count", "Mean"],
}
_STRANGE: Final = "what answers for Jolokia does not speak its protocol"
Totals = Mapping[tuple[str, str], tuple[int, float]]
"""(request, phase) -> (how many, ms of all of them)."""


class KafkaRequests:
    """Ask brokers before and after each load; it can be started again.

    It never ends a load: anything it can't read becomes a sentence in `problems`.

    Args:
        urls: the URLs of the Jolokia agents, one for each broker.
        login: the user and password for all of them.

    Attributes:
        problems: one sentence for each thing that could not be read.
    """

    def __init__(self, urls: Sequence[str], login: tuple[str, str] | None = None) -> None:
        self.problems: list[str] = []
        self._urls, self._login = urls, login
        self._before: dict[str, Totals] | None = None
        self._taken_ms: defaultdict[str, float] = defaultdict(float)
        self._calls: Counter[str] = Counter()

    def start(self) -> None:
        """Read what the brokers have counted so far, unless that was already done."""
        if self._before is None:
            self._before = self._read()

    def stop(self) -> None:
        """Read how much the counts grew; do nothing if it was not started."""
        if self._before is None:
            return
        for url, totals in self._read().items():
            self._add(self._before.get(url), totals)
        self._before = None

    def costs(self) -> list[Cost]:
        """Return where the requests' time went, at most 20 costs, the largest first."""
        largest = sorted(self._taken_ms.items(), key=lambda pair: -pair[1])[:_MOST_KEPT]
        return [
            Cost(QUEUE, REQUEST, name, taken_ms / 1e3, self._calls[name])
            for name, taken_ms in largest
            if taken_ms > 0
        ]

    def _add(self, before: Totals | None, after: Totals) -> None:
        if before is None:
            return
        if any(count > after.get(key, (0, 0.0))[0] for key, (count, _) in before.items()):
            self._unknown("a broker was restarted meanwhile, and counts from zero")
            return
        for (request, phase), (count, whole_ms) in after.items():
            old_count, old_ms = before.get((request, phase), (0, 0.0))
            name = f"{request} {_PHASES[phase]}"
            self._calls[name] += count - old_count
            self._taken_ms[name] += whole_ms - old_ms

    def _read(self) -> dict[str, Totals]:
        found: dict[str, Totals] = {}
        with httpx.Client(timeout=ANSWER_WITHIN_S, trust_env=False, auth=self._login) as client:
            for url in self._urls:
                try:
                    found[url] = _totals(client, url)
                except ProbeError as error:
                    self._unknown(error.sentence)
        return found

    def _unknown(self, why: str) -> None:
        self.problems.append(f"what the time of Kafka's requests went into is not known: {why}")


def _totals(client: httpx.Client, url: str) -> Totals:
    try:
        response = client.post(url, json=_QUESTION)
        answer = response.json()
    except httpx.HTTPError as error:
        told = masked(str(error), ()) or type(error).__name__
        raise ProbeError(f"Jolokia does not answer at {url}: {told}") from None
    except ValueError:
        raise ProbeError(f"{_STRANGE} (status {response.status_code})") from None
    try:
        if answer["status"] != httpx.codes.OK:
            raise ProbeError(f"Jolokia refuses the question: {masked(str(answer['error']), ())}")
        return _by_phase(answer["value"])
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ProbeError(_STRANGE) from None


def _by_phase(beans: Mapping[str, Mapping[str, Any]]) -> Totals:
    found = {}
    for bean, values in beans.items():
        keys = dict(part.split("=", 1) for part in bean.partition(":")[2].split(","))
        request, phase = keys["request"], keys["name"]
        is_wait = phase == "RemoteTimeMs" and request in _WAITS
        is_one = phase in _PHASES and request != _COUNTED_TWICE
        if is_one and not is_wait and values["Count"]:
            count = int(values["Count"])
            found[request, phase] = count, count * float(values["Mean"])
    return found
