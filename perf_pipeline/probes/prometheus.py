"""Read figures of tiers from a Prometheus server, each by one PromQL query.

Source: Prometheus' HTTP API, `GET /api/v1/query` (a vector of one series, or a scalar).
Add here: another form of answer. Keep out: the use of the figures.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import ANSWER_WITHIN_S, ProbeError

_PATH: Final = "/api/v1/query"
_STRANGE: Final = "what answers for Prometheus does not speak its API"


class PrometheusProbe:
    """Query figures of tiers; the source of a reading is the tier.

    Args:
        url: the URL of the server; `/api/v1/query` is added to it.
        queries: the queries by tier and metric of the catalog.
        token: the bearer token; empty for none.
        given: readings that need no query, such as a number of cores.
    """

    name = "prometheus"

    def __init__(
        self,
        url: str,
        queries: Mapping[str, Mapping[str, str]],
        *,
        token: str = "",
        given: Sequence[Reading] = (),
    ) -> None:
        self._given = given
        self._url = url.rstrip("/")
        self._queries = [
            (tier, metric, query)
            for tier, known in queries.items()
            for metric, query in known.items()
        ]
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client: httpx.Client | None = None

    def open(self) -> None:
        """Connect, and check that each query gives one number.

        Raises:
            ProbeError: the server does not answer, or a query does not give exactly one number.
        """
        self._client = httpx.Client(
            timeout=ANSWER_WITHIN_S,
            trust_env=False,
            headers=self._headers,
            # Loading certificates would cost 20 ms at every attempt.
            verify=self._url.lower().startswith("https:"),
        )
        self.read(0)

    def read(self, at_us: int) -> list[Reading]:
        """Return the current value of each query; a value that is not a number gives no reading.

        Raises:
            ProbeError: as for `open`.
        """
        found = ((tier, metric, self._asked(tier, query)) for tier, metric, query in self._queries)
        asked = [
            Reading(at_us, tier, metric, value)
            for tier, metric, value in found
            if math.isfinite(value)
        ]
        return [*asked, *(replace(reading, at_us=at_us) for reading in self._given)]

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _asked(self, tier: str, query: str) -> float:
        if self._client is None:
            raise ProbeError("the Prometheus probe is not open")
        try:
            response = self._client.get(f"{self._url}{_PATH}", params={"query": query})
            answer = response.json()
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise ProbeError(f"Prometheus does not answer: {told}") from None
        except ValueError:
            raise ProbeError(f"{_STRANGE} (status {response.status_code})") from None
        try:
            if answer["status"] != "success":
                raise ProbeError(f"Prometheus refuses a query of tier {tier}: {answer['error']}")
            return _number(answer["data"], tier, query)
        except (LookupError, TypeError, ValueError):
            raise ProbeError(_STRANGE) from None


def _number(data: Mapping[str, Any], tier: str, query: str) -> float:
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return float(result[1])
    if kind != "vector":
        raise ProbeError(f"the query {query!r} of tier {tier} gives a {kind}, and not one number")
    if len(result) != 1:
        remedy = "write sum(…) around it" if result else "nothing matches it"
        raise ProbeError(
            f"the query {query!r} of tier {tier} gives {len(result)} series, and not one; {remedy}"
        )
    return float(result[0]["value"][1])
