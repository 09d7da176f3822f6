"""Make messages as the profile describes them: key, value, headers, and id.

Add here: another part of such a message. Keep out: producing it (own_produce.py), and the keys of a
profile (config/own_topics.py).
"""

import math
import random
import string
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from perf_pipeline.config.http_steps import HEADER_PREFIX
from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.own_topics import Keys, OwnProduceParameters, Sizes
from perf_pipeline.config.payloads import read_payloads
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import ProfileError
from perf_pipeline.metrics.message_ids import text_of_id
from perf_pipeline.metrics.sample import Phase
from perf_pipeline.workloads.http.parameters import own_secrets
from perf_pipeline.workloads.kafka.message_ids import id_at
from perf_pipeline.workloads.kafka.messages import Headers, QueueMessage
from perf_pipeline.workloads.kafka.schemas import Encode, UnfitValueError, encoder_of
from perf_pipeline.workloads.steps.data import surroundings_of
from perf_pipeline.workloads.steps.values import Scope, Surroundings
from perf_pipeline.workloads.steps.writing import Write, json_writer, text_writer

Draw = Callable[[random.Random], bytes]
NO_ID: Final = "a message was produced without an id at {}, so it is not counted by id"
_NAMESPACE: Final = UUID("b0a1fb3c-3d58-5c58-8f3a-0c8c2f6a7d11")
_Z99: Final = 2.3263478740408408  # 99 % of the standard normal distribution lie below this
_LETTERS: Final = (string.ascii_letters + string.digits + "+/").encode()


@dataclass(frozen=True, slots=True)
class OwnMaker:
    """Make the messages of one scenario in one worker.

    Attributes:
        family: names run, scenario and worker; all ids begin with it.
        key: writes a key; None for messages without a key.
        value: writes a value.
        headers: the names of headers, each with what writes its value.
        id_header: the name of the header that holds the id; empty for none.
        makes_id: whether that header gets a fresh id.
        id_path: names and indices that lead to the id in the value; None if it is not there.
        encode: encodes the value by a schema; None leaves it as it is written.
    """

    family: str
    key: Write | None
    value: Write
    headers: tuple[tuple[str, Write], ...]
    id_header: str
    makes_id: bool
    id_path: tuple[str | int, ...] | None
    encode: Encode | None = None

    def messages(self, iteration: Iteration, count: int) -> Iterator[QueueMessage]:
        """Yield an iteration's messages; a message whose id can't be recorded has an empty id."""
        name = f"{self.family}/{iteration.scenario}/{iteration.vu}/{iteration.number}"
        id_stem = str(uuid5(_NAMESPACE, name))[:-8] if self.makes_id else ""
        for place in range(count):
            scope = Scope(iteration)  # each message draws its own rows
            value = self.value(scope)
            written = {name: write(scope) for name, write in self.headers}
            headers: Headers = list(written.items())
            message_id = ""
            if self.makes_id:
                message_id = f"{id_stem}{place:08x}"
                headers.append((self.id_header, message_id.encode()))
            elif self.id_header:
                message_id = text_of_id(written[self.id_header].decode(errors="replace"))
            elif self.id_path is not None:
                message_id = id_at(value, self.id_path)
            key = None if self.key is None else self.key(scope)
            if self.encode is not None:
                value = self.encode(value)
            yield QueueMessage(message_id, key, value, headers or None)


def maker_of(own: OwnProduceParameters, context: WorkerContext) -> OwnMaker:
    """Work out before the load everything that can be worked out once.

    Raises:
        ProfileError: a file changed since the profile was checked.
        TargetUnavailableError: there are too few seeded users, or too few rows of a query.
    """
    around = surroundings_of(own, context)
    place = own.message_id or ""
    header = place.removeprefix(HEADER_PREFIX) if place.startswith(HEADER_PREFIX) else ""
    return OwnMaker(
        family=f"{context.parameters['run']}/{context.worker}",
        key=_key_of(own, around),
        value=_value_of(own, around, context),
        headers=tuple((name, text_writer(text, around)) for name, text in own.headers.items()),
        id_header=header,
        makes_id=bool(header) and header not in own.headers,
        id_path=parse_json_path(place) if place and not header else None,
        encode=_encode_of(own, context),
    )


def require_fitting(maker: OwnMaker) -> None:
    """Make one message, without sending it, to check that its value fits its schema.

    Raises:
        ProfileError: it does not fit; the sentence says why.
    """
    iteration = Iteration("", "kafka", 1, 0, 0, Phase.WARM_UP, random.Random(0))
    try:
        next(maker.messages(iteration, 1))
    except UnfitValueError as error:
        raise ProfileError("of the run", [str(error)]) from error


def _encode_of(own: OwnProduceParameters, context: WorkerContext) -> Encode | None:
    schema = own.registered
    if schema is None:
        return None
    ca_file = str(Path(context.parameters["folder"], schema.ca_file)) if schema.ca_file else ""
    login = own_secrets(context)[schema.basic_env] if schema.basic_env else ""
    return encoder_of(schema, str(context.parameters["topic"]), login=login, ca_file=ca_file)


def _key_of(own: OwnProduceParameters, around: Surroundings) -> Write | None:
    if own.keys is not None:
        return _drawn(key_draw(own.keys))
    return None if own.key is None else text_writer(own.key, around)


def _value_of(own: OwnProduceParameters, around: Surroundings, context: WorkerContext) -> Write:
    if own.size is not None:
        return _drawn(size_draw(own.size, context.seed))
    if own.payloads is not None:
        payloads = _payloads(own.payloads, Path(context.parameters["folder"]))
        return _drawn(lambda chance: chance.choice(payloads))
    if own.value is not None:
        return text_writer(own.value, around)
    return json_writer(own.json_value, around)


def _payloads(name: str, folder: Path) -> tuple[bytes, ...]:
    try:
        return read_payloads(folder / name)
    except ValueError as error:
        raise ProfileError("of the run", [str(error)]) from error


def _drawn(draw: Draw) -> Write:
    return lambda scope: draw(scope.iteration.random)


def key_draw(keys: Keys) -> Draw:
    """Return a function that draws keys with the given skew; key n is the prefix and n."""
    written = [f"{keys.prefix}{number}".encode() for number in range(1, keys.count + 1)]
    if keys.skew == "uniform":
        return lambda chance: chance.choice(written)
    if keys.skew == "zipf":
        # Zipf's law: the probability of rank n is proportional to 1 / n^s.
        sums = list(accumulate(rank**-keys.exponent for rank in range(1, keys.count + 1)))
        last = keys.count - 1
        return lambda chance: written[min(last, bisect(sums, chance.random() * sums[-1]))]
    hot, cold = written[: keys.hot], written[keys.hot :]
    return lambda chance: chance.choice(hot if chance.random() < keys.share else cold)


def size_draw(sizes: Sizes, seed: int) -> Draw:
    """Return a function that draws values of random letters, which hardly compress."""
    most = sizes.most
    letters = bytes(random.Random(seed).choices(_LETTERS, k=2 * most + 1))

    def of(size: int, chance: random.Random) -> bytes:
        begin = chance.randrange(len(letters) - size)
        return letters[begin : begin + size]

    if sizes.least is not None:
        least = sizes.least
        return lambda chance: of(chance.randint(least, most), chance)
    # Log-normal: the logarithm of the size is normal, with mean ln(median).
    mean = math.log(sizes.median or 1)
    deviation = (math.log(sizes.p99 or 1) - mean) / _Z99
    return lambda chance: of(min(most, round(math.exp(chance.gauss(mean, deviation)))), chance)
