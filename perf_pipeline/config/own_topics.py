"""Configure a user's own messages: what is produced to a topic or consumed from it, and how.

Add here: a key of `exec = "produce"` or `"consume"`, with its meaning in docs/scenarios.md. Keep
out: rules about variables (produce_rules.py), files (payloads.py), and the messages themselves
    (workloads/kafka/).
"""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from perf_pipeline.config import defaults
from perf_pipeline.config.bounds import LONGEST_DELIVERY_US
from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.http_steps import HEADER_PREFIX, Text, VariableName
from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.ranges import DurationRange
from perf_pipeline.config.templated import Made
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.units import US_PER_MS, US_PER_S

MOST_MESSAGE_BYTES: Final = 100_000_000
_MOST_KEYS: Final = 1_000_000
_TOPIC: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
Skew = Literal["uniform", "zipf", "hot"]


def _written(value: object) -> object:
    """Accept a number where a text is expected, in the form that people write."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError(
            f"{value!r} can't be the name of a topic; use 1 to 249 letters, digits, '.', '_' and "
            "'-'"
        )
    return value


def place_in_message(value: str) -> str:
    """Check a place in a message: `header:NAME`, or a JSON path of the value.

    Raises:
        ValueError: the text is neither; the sentence says what is wrong.
    """
    if value.startswith(HEADER_PREFIX):
        if not value.removeprefix(HEADER_PREFIX).strip():
            raise ValueError(f"{value!r} names no header; write one like header:message-id")
    else:
        parse_json_path(value)
    return value


Topic = Annotated[str, AfterValidator(_topic)]
IdPlace = Annotated[str, AfterValidator(place_in_message)]


class Keys(Frozen):
    """Say how often each key is drawn if keys are not written as a text.

    Attributes:
        count: number of different keys.
        skew: `uniform`; `zipf`, where key n is drawn in proportion
            to 1 / n to the power of `exponent`; or `hot`, where the first `hot` keys together get
            `share` of all messages.
        exponent: the exponent of `zipf`.
        hot: number of hot keys.
        share: the share of all messages that the hot keys get together, more than 0 and less than
            1.
        prefix: written before the number of the key, which counts from 1.
    """

    count: int = Field(ge=1, le=_MOST_KEYS)
    skew: Skew = "uniform"
    exponent: float = Field(default=1.0, gt=0, le=10, strict=False)
    hot: int = Field(default=1, ge=1, le=_MOST_KEYS)
    share: float = Field(default=0.5, gt=0, lt=1, strict=False)
    prefix: str = Field(default="", max_length=1_000)

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        needed = {"exponent": "zipf", "hot": "hot", "share": "hot"}
        for key, skew in needed.items():
            # A stored profile that is read again has every key.
            is_default = getattr(self, key) == type(self).model_fields[key].default
            if not is_default and self.skew != skew:
                raise ValueError(f'has {key}, which only skew = "{skew}" has')
        if self.skew == "hot" and self.hot >= self.count:
            raise ValueError(f"has {self.hot} hot keys of {self.count}; write fewer hot ones")
        return self


class Sizes(Frozen):
    """Say how many bytes values have if only their size matters; they are random letters.

    Attributes:
        least: the smallest size of a uniform distribution.
        most: the largest size of either distribution.
        median: the median of a log-normal distribution, which most real sizes are like.
        p99: the size of the log-normal distribution that 1 value in 100 exceeds.
    """

    least: int | None = Field(default=None, ge=0, le=MOST_MESSAGE_BYTES)
    most: int = Field(ge=1, le=MOST_MESSAGE_BYTES)
    median: int | None = Field(default=None, ge=1, le=MOST_MESSAGE_BYTES)
    p99: int | None = Field(default=None, ge=1, le=MOST_MESSAGE_BYTES)

    @model_validator(mode="after")
    def _is_one_distribution(self) -> Self:
        is_uniform = self.least is not None and self.median is None and self.p99 is None
        if is_uniform and (self.least or 0) <= self.most:
            return self
        median, p99 = self.median or 0, self.p99 or 0
        if self.least is None and 0 < median <= p99 <= self.most:
            return self
        raise ValueError(
            "must be least and most, or median, p99 and most, each at most as large as the next"
        )


class RegisteredSchema(Frozen):
    """Name the registered schema that values follow; its newest version is used and never changed.

    Attributes:
        registry: the URL of the schema registry; its host must be this machine or an allowed host.
        subject: the subject of the schema; by default the topic's name followed by `-value`.
        message: the name of the message in a Protobuf schema; the first one by default.
        basic_env: environment variable with `user:password` for the registry.
        ca_file: a PEM file with the registry's authority; its path is relative to the profile.
    """

    registry: str = Field(min_length=1)
    subject: str | None = Field(default=None, min_length=1)
    message: str | None = Field(default=None, min_length=1)
    basic_env: VariableName | None = None
    ca_file: str | None = None

    @field_validator("registry")
    @classmethod
    def _is_url(cls, text: str) -> str:
        try:
            WebAddress.read_base(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not the URL of a registry: it {error}") from None
        return text


class OwnProduceParameters(Frozen):
    """Say what one iteration produces; texts may hold variables like `${vu}`.

    Attributes:
        topic: the topic that messages go to; by default that of the target. It must exist.
        key: the key of each message, a text. Without `key` and `keys`, messages have no key.
        keys: a number of keys that are drawn with a skew.
        json_value: the value as JSON; a text that is just one variable takes its type.
        value: the value as a text.
        payloads: a file with one value per line, or a folder with one value per file; the path is
            relative to the profile. Each message takes one at random.
        size: the size of values that are random letters.
        headers: the headers of each message, in UTF-8.
        message_id: where a message has its id: `header:NAME`, or a JSON path into the value. A
            header that is not among `headers` is added with a fresh id. Messages are then counted
            by id, so that lost ones and duplicates are found if they are consumed here.
        registered: a schema of a registry by which `json` is encoded: Avro, Protobuf or JSON
            Schema. It needs `perf_pipeline[schemas]`.
        compression: how batches are compressed.
        acks: whose acknowledgement a delivery waits for: `all`, or `1` for the partition's leader
            alone.
        linger_us: how long the client waits for a batch to fill (`linger.ms`).
        idempotent: the broker drops messages that a retry would write twice; it needs `acks =
            "all"`.
        transaction: the number of messages that one iteration produces and commits as a
            transaction; 0 for single messages.
        partitioner: librdkafka's name of the partitioner, which assigns keys to partitions; Java's
            is `murmur2_random`.
        timeout_us: the longest time until the delivery report (`delivery.timeout.ms`).
        think_time_us: pause after each iteration; of a range, drawn uniformly.
        data: test data by name, for `${data.NAME.COLUMN}`.
    """

    topic: Topic | None = None
    key: Text | None = None
    keys: Keys | None = None
    json_value: Any = Field(default=None, alias="json")
    value: str | None = None
    payloads: str | None = Field(default=None, min_length=1)
    size: Sizes | None = None
    headers: dict[str, Text] = Field(default_factory=dict)
    message_id: IdPlace | None = Field(default=None, alias="messageId")
    registered: RegisteredSchema | None = Field(default=None, alias="schema")
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    acks: Annotated[Literal["all", "1"], BeforeValidator(_written)] = "all"
    linger_us: Duration = Field(
        default=defaults.LINGER_MS * US_PER_MS, alias="linger", ge=0, le=10 * US_PER_S
    )
    idempotent: bool = True
    transaction: int = Field(default=0, ge=0, le=100_000)
    partitioner: Literal[
        "random",
        "consistent",
        "consistent_random",
        "murmur2",
        "murmur2_random",
        "fnv1a",
        "fnv1a_random",
    ] = "consistent_random"
    timeout_us: Duration = Field(
        default=defaults.DELIVERY_TIMEOUT_US, alias="timeout", ge=US_PER_MS, le=LONGEST_DELIVERY_US
    )
    think_time_us: DurationRange = Field(default=(0, 0), alias="thinkTime")
    data: dict[VariableName, DataSet] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        values = {
            "json": self.json_value,
            "value": self.value,
            "payloads": self.payloads,
            "size": self.size,
        }
        given = [name for name, value in values.items() if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(given) or 'no value'}; write exactly one of {', '.join(values)}"
            )
        if self.registered is not None and self.json_value is None:
            raise ValueError("has a schema, which needs json; write the value as json")
        if self.key is not None and self.keys is not None:
            raise ValueError("has key and keys; a message has only one key, so keep one of them")
        if self.acks != "all" and (self.idempotent or self.transaction):
            raise ValueError(
                f'has acks = "{self.acks}", which needs idempotent = false and no transaction: '
                "only what all replicas have can be told from a retry"
            )
        if self.transaction and not self.idempotent:
            raise ValueError("has a transaction, which needs idempotent = true")
        is_path = self.message_id is not None and not self.message_id.startswith(HEADER_PREFIX)
        if is_path and self.size is not None:
            raise ValueError('has messageId in a value of random letters; write "header:NAME"')
        return self

    @property
    def operations(self) -> tuple[Made, ...]:
        """Return the only operation that it makes."""
        name = "transaction" if self.transaction else "produce"
        return (Made("transaction" if self.transaction else "topic", name, ()),)

    @property
    def secret_names(self) -> frozenset[str]:
        """Return the names of the secrets, which only the environment of the machine may hold."""
        variable = self.registered.basic_env if self.registered else None
        return frozenset({variable} if variable else ())

    @property
    def templates(self) -> tuple[object, ...]:
        """Return key, value and headers."""
        return (self.key, self.json_value, self.value, self.headers)

    @property
    def header_templates(self) -> tuple[object, ...]:
        """Return nothing, because headers of messages carry any bytes."""
        return ()


class OwnConsumeParameters(Frozen):
    """Configure a user's own consumers, which form one group; a VU works on one message at a time.

    Attributes:
        topic: the topic that messages come from; by default that of the target. It must exist.
        group: the consumer group, which must have no other members; by default that of the
            benchmark.
        begin: which messages the group gets: those that come after the preparation (`end`), all
            that are there (`beginning`), or those after the group's committed offset (`position`).
        work_us: the time of simulated work per message; of a range, drawn uniformly.
        commit_interval_us: the longest time between two commits.
        message_id: where a message has its id: `header:NAME`, or a JSON path into the value. If
            another scenario of the benchmark produces messages with ids to the topic, lost messages
            and duplicates are found by these ids.
    """

    topic: Topic | None = None
    group: str | None = Field(default=None, min_length=1, max_length=249)
    begin: Literal["end", "beginning", "position"] = Field(default="end", alias="from")
    work_us: DurationRange = Field(default=defaults.WORK_US, alias="work")
    commit_interval_us: Duration = Field(
        default=defaults.COMMIT_INTERVAL_US, alias="commitInterval", ge=10 * US_PER_MS
    )
    message_id: IdPlace | None = Field(default=None, alias="messageId")

    @property
    def operations(self) -> tuple[Made, ...]:
        """Return its operations: the work on a message, and rebalances of the group."""
        return (Made("topic", "consume", ()), Made("group", "rebalance", ()))
