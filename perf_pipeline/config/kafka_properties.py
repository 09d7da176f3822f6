"""The table `[targets.NAME.kafka]`: any property of librdkafka, secrets from the environment.

TOML reads `sasl.username = "me"` as a table in a table, so both forms are read alike.
Add here: a rule between properties. Keep out: which properties there are and why some are refused
(kafka_names.py), and what a client does with them.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.kafka_names import FILES, FREE, REFUSED, SECRET
from perf_pipeline.errors import AddressError
from perf_pipeline.quoting import shown
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.spelling import meant

PROTOCOL: Final = "security.protocol"
MECHANISM: Final = "sasl.mechanism"
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
GROUP_PROTOCOL: Final = "group.protocol"
GROUP_PROTOCOLS: Final = ("classic", "consumer")
PASSWORD_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
OAUTHBEARER: Final = "OAUTHBEARER"
_MECHANISMS: Final = (*PASSWORD_MECHANISMS, OAUTHBEARER)
_OAUTH: Final = "sasl.oauthbearer."
_CREDENTIALS: Final = f"{_OAUTH}client.credentials."
_VARIABLE: Final = re.compile(r"\$\{(?:env\.)?([A-Za-z_][A-Za-z0-9_]*)\}")
_CALLBACK: Final = re.compile(r".*_cb|opaque|default_topic_conf")


def flattened(raw: object) -> object:
    """Join the names of nested tables by dots; anything else is left for pydantic to refuse."""
    return dict(_flat("", raw)) if isinstance(raw, Mapping) else raw


def _flat(path: str, raw: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in raw.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{path}{key}.", value)
        else:
            yield f"{path}{key}", value


def kafka_mistakes(raw: Mapping[str, Any]) -> Iterator[str]:
    """Find the mistakes in every `[targets.NAME.kafka]` of a raw profile."""
    targets = raw.get("targets")
    for name, target in targets.items() if isinstance(targets, Mapping) else ():
        table = flattened(target.get("kafka")) if isinstance(target, Mapping) else None
        if isinstance(table, dict):
            for key, sentence in property_mistakes(table):
                yield f"targets.{name}.kafka.{key} {sentence}"


def named_mistakes(given: Mapping[str, str]) -> Iterator[str]:
    """Find properties that no client may have, wherever they were written."""
    for key in given:
        if sentence := _name_mistake(key):
            yield f"{key} {sentence}"


def property_mistakes(table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Find the mistakes in properties as they are written; yield each with its property."""
    found = [
        (key, sentence)
        for key, value in table.items()
        if (sentence := _name_mistake(key) or _value_mistake(key, value))
    ]
    # A property that is missing because it is misspelt would be reported twice.
    given = {key: str(value) for key, value in table.items()}
    yield from found or (*_security_mistakes(given), *_group_mistakes(given))


def _name_mistake(key: str) -> str | None:
    if key in REFUSED:
        return f"can't be set: {REFUSED[key]}"
    if _CALLBACK.fullmatch(key):
        return "can't be set: a file has no functions"
    if key not in FREE:
        return f"is not a property of librdkafka{meant(key, (*sorted(FREE), *REFUSED))}"
    return None


def _value_mistake(key: str, value: object) -> str | None:
    if not isinstance(value, str | int | float):
        return f"is {shown(value)}; it must be a text, a number, or true or false"
    if key in SECRET and not _VARIABLE.search(str(value)):
        return (
            "is a secret, which no file should hold; put it into an environment variable and write "
            'its name, like "${env.KAFKA_SECRET}"'
        )
    return None


def _security_mistakes(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    protocol = given.get(PROTOCOL, PROTOCOLS[0]).upper()
    if protocol not in PROTOCOLS:
        known = f"it must be one of {', '.join(PROTOCOLS)}{meant(protocol, PROTOCOLS)}"
        yield PROTOCOL, f"is {shown(given[PROTOCOL])}; {known}"
        return
    if protocol.startswith("SASL"):
        yield from _login_mistakes(given)
    elif unused := next((key for key in given if key.startswith("sasl.")), None):
        yield unused, f"has no effect: {PROTOCOL} is {protocol}; write SASL_SSL or SASL_PLAINTEXT"
    if not protocol.endswith("SSL") and (
        unused := next((key for key in given if key.startswith("ssl.")), None)
    ):
        yield unused, f"has no effect: {PROTOCOL} is {protocol}; write SSL or SASL_SSL"
    for first, other in (("ssl.certificate", "ssl.key"), ("ssl.key", "ssl.certificate")):
        if _has(given, first) and not _has(given, other):
            yield f"{first}.location", f"is there without {other}.location; a client needs both"


def _group_mistakes(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    protocol = given.get(GROUP_PROTOCOL, GROUP_PROTOCOLS[0]).lower()
    if protocol not in GROUP_PROTOCOLS:
        known = f"it must be one of {', '.join(GROUP_PROTOCOLS)}{meant(protocol, GROUP_PROTOCOLS)}"
        yield GROUP_PROTOCOL, f"is {shown(given[GROUP_PROTOCOL])}; {known}"
    elif protocol == GROUP_PROTOCOLS[0]:
        if (key := "group.remote.assignor") in given:
            yield key, f"has no effect: {GROUP_PROTOCOL} is {protocol}; write consumer"
    elif of_clients := given.keys() & {"session.timeout.ms", "heartbeat.interval.ms"}:
        for key in sorted(of_clients):
            yield key, f"is the brokers' to say where {GROUP_PROTOCOL} is {protocol}; leave it out"


def _has(given: Mapping[str, str], what: str) -> bool:
    return f"{what}.location" in given or f"{what}.pem" in given


def _login_mistakes(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    mechanism = given.get(MECHANISM, given.get("sasl.mechanisms"))
    known = ", ".join(_MECHANISMS)
    if mechanism is None:
        yield MECHANISM, f"is missing; it must be one of {known}"
    elif mechanism.upper() not in _MECHANISMS:
        sentence = f"it must be one of {known}{meant(mechanism, _MECHANISMS)}"
        yield MECHANISM, f"is {shown(mechanism)}; {sentence}"
    elif mechanism.upper() == OAUTHBEARER:
        yield from _oauth_mistakes(given)
    else:
        for key in ("sasl.username", "sasl.password"):
            if key not in given:
                yield key, f"is missing; {mechanism.upper()} needs it"


def _oauth_mistakes(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if (method := given.get(f"{_OAUTH}method", "oidc")).lower() != "oidc":
        yield f"{_OAUTH}method", f"is {shown(method)}; it must be oidc, which asks a token endpoint"
    for key in ("client.id", "client.secret", "token.endpoint.url"):
        if f"{_OAUTH}{key}" not in given and f"{_CREDENTIALS}{key}" not in given:
            yield f"{_OAUTH}{key}", f"is missing; {OAUTHBEARER} needs it"


def variables_in(text: str) -> list[str]:
    """Return the names of the environment variables that a property names.

    >>> variables_in("${env.KAFKA_USER}:${KAFKA_PASSWORD}")
    ['KAFKA_USER', 'KAFKA_PASSWORD']
    """
    return _VARIABLE.findall(text)


def filled(
    table: Mapping[str, object], environment: Mapping[str, str], folder: str, target: str
) -> dict[str, str]:
    """Return properties as librdkafka takes them, with variables filled in and absolute paths.

    From here on, the value of a variable in a secret property counts as a secret.

    Args:
        table: the properties, free of mistakes.
        environment: where `${env.NAME}` is looked up.
        folder: where relative paths start.
        target: the name of the target, for messages.

    Raises:
        AddressError: a variable is not set.
    """
    found = {key: _filled(key, value, environment, target) for key, value in table.items()}
    KNOWN.add(*(found[key] for key in found.keys() & SECRET))
    for key in found.keys() & FILES:
        found[key] = str(Path(folder, found[key]).absolute())
    if "sasl.mechanisms" in found:
        found[MECHANISM] = found.pop("sasl.mechanisms")
    for key in (PROTOCOL, MECHANISM):
        if key in found:
            found[key] = found[key].upper()
    if found.get(MECHANISM) == OAUTHBEARER:
        found[f"{_OAUTH}method"] = "oidc"
    return found


def _filled(key: str, value: object, environment: Mapping[str, str], target: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"

    def look_up(variable: re.Match[str]) -> str:
        text = environment.get(variable[1])
        if not text:
            raise AddressError(
                f"{key} of [targets.{target}.kafka]",
                f"is ${{env.{variable[1]}}}, but the environment variable {variable[1]} is not set",
            )
        return text

    return _VARIABLE.sub(look_up, str(value))
