"""Odd values in profiles that can be read: types, bounds, depth, and texts of every grammar.

Shipped profiles are mutated, and thresholds, durations, templates, paths and tag filters are made
of their grammars' pieces. Add here: a kind of damage. Keep out: what is right (unit/config).
"""

import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from perf_pipeline.config.loading import (
    SHIPPED,
    load_profile,
    parse_overrides,
    validate_profile,
)
from perf_pipeline.config.raw_values import raw_mistakes

TEXTS: Final = (
    "", " ", "\0", "\n", "\x1b[31m", "é世界", "\udcff", "\ud83d", "\u202e", "x" * 3_000, "${",
    "${vu",
    "$${", "${data.x.y}", "${random.int(9,1)}", "${random.int(" + "9" * 5_000 + ",1)}", "..", "/",
    "../../etc", "1s", "-1s", "1e99s", "9" * 400 + "s", "1s..", "..1s", "nan", "inf", "true", "$",
    "$.a[" + "9" * 5_000 + "]", "$.a[-1]", "$[*]", "header:", "a:b", "{", "}", "p(95)<1", "quick",
    "%00", "%", "'", '"', "\\", "{a:b,c:d}", "١٢", "²",
)  # fmt: skip
_NUMBERS: Final = (
    0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30), 16**5_000, 0.0, -0.0, 1e308,
    1e-308,
    0.1, float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
_PIECES: Final = {
    "threshold": (
        "p(", "95", ")", "avg", "med", "rate", "count", "value", "<", "<=", "==", "===", "!=",
        ">",
        " ", "1", "1e9", "1e999", "-", "+", ".", "0.5", "\xa0", "nan", "0x1", "_", "9" * 500,
    ),
    "key": (
        "http_req_duration", "http_reqs", "checks", "{", "}", ":", ",", "scenario", "status",
        "200",
        "name", "'", '"', " ", "\n", "é", "::", "no_such", "create_users", "\udcff",
    ),
    "duration": ("1", "5", ".", "e", "-", "+", "s", "ms", "us", "µs", "h", "d", "m", "..",
        " ", "9" * 99),
    "template": (
        "${", "}", "$${", "vu", "iteration", "random.int(", "1", ",", "9", ")",
        "random.choice(", "|",
        "a", "data.", "users", ".", "env.", "HOME", "number", "é", "\n", " ", "saved",
    ),
    "path": ("$", ".", "[", "]", "'", '"', "a", "0", "-1", "*", "..", "é", " ", "9" * 99, "\\"),
}  # fmt: skip
_OWN: Final[dict[str, Any]] = {
    "name": "own",
    "benchmarks": {
        "own": {
            "scenarios": {
                "s": {
                    "exec": "http_steps",
                    "executor": "constant-vus",
                    "vus": 2,
                    "duration": "2s",
                    "env": {"PLACE": "here"},
                    "tags": {"team": "a"},
                    "parameters": {
                        "thinkTime": "1s..2s",
                        "data": {"users": {"values": ["a", "b"], "pick": "random"}},
                        "steps": [
                            {
                                "name": "get",
                                "path": "/x/${data.users.value}",
                                "query": {"q": "${vu}"},
                                "headers": {"X-A": "b"},
                                "expect": {"status": 200, "json": {"$.a": 1}, "duration": "1s"},
                                "save": {"id": "$.id"},
                            },
                            {
                                "name": "post",
                                "method": "POST",
                                "path": "/y/${id}",
                                "json": {"a": 1},
                            },
                        ],
                    },
                }
            },
            "thresholds": {"http_req_failed": ["rate<0.01"], "checks{team:a}": ["rate==1"]},
        }
    },
}


def profile_case(chance: random.Random) -> Callable[[], object]:
    """Give the checking of a profile with odd values, or of odd overrides."""
    if chance.random() < 0.15:
        return _overriding(chance)
    raw = json.loads(chance.choice(_bases()))
    for _ in range(chance.randint(1, 3)):
        _damage(chance, raw)

    def load() -> None:
        if not raw_mistakes(raw):
            profile = validate_profile(raw, "fuzz.toml")
            assert validate_profile(json.loads(profile.as_json), "again").config_hash

    return load


@cache
def _bases() -> tuple[str, ...]:
    return (*(load_profile(name).as_json for name in SHIPPED), *[json.dumps(_OWN)] * 4)


def _overriding(chance: random.Random) -> Callable[[], object]:
    key = ".".join(chance.choice(_KEYS) for _ in range(chance.randint(1, 5)))
    text = chance.choice(
        (
            str(chance.choice(TEXTS)),
            _made(chance, chance.choice(tuple(_PIECES))),
            "[" * chance.choice((1, 60, 3_000)),
            "{a=" * 3_000,
            "9" * chance.choice((3, 30, 5_000)),
            "0x" + "f" * 5_000,
            "1979-13-99",
            "1\nb=2",
        )
    )
    return lambda: load_profile(chance.choice(SHIPPED), parse_overrides({key: text}))


_KEYS: Final = (
    "benchmarks", "end_to_end", "scenarios", "create_users", "thresholds", "baseline", "pinned",
    "window", "seed", "workers", "targets", "staging", "baseUrl", "parameters", "thinkTime",
    "rate",
    "stages", "", "é", "\udcff", "x" * 2_000,
)  # fmt: skip


def _damage(chance: random.Random, raw: Any) -> None:
    """Change one place of a profile: walk down at random, then replace, add, drop or rename."""
    place = _place(chance, raw)
    if isinstance(place, dict):
        key = chance.choice([*place, *_KEYS[:4]])
        act = chance.random()
        if act < 0.15:
            place.pop(key, None)
        elif act < 0.3:
            place[_word(chance)] = place.pop(key, None)
        else:
            place[key] = odd_value(chance)
    else:
        place[chance.randrange(len(place))] = odd_value(chance)


def _place(chance: random.Random, raw: Any) -> Any:
    """Walk down at random to a table or list that is not empty."""
    place = raw
    while chance.random() > 0.12:
        inner = [below for below in (place.values() if isinstance(place, dict) else place) if below]
        deeper = [below for below in inner if isinstance(below, dict | list)]
        if not deeper or (len(inner) > len(deeper) and chance.random() < 0.3):
            break
        place = chance.choice(deeper)
    return place


def odd_value(chance: random.Random, depth: int = 0) -> Any:
    """Give a value that no key expects, or a text of a grammar; at most five levels deep."""
    kinds: dict[Callable[[], Any], int] = {
        lambda: chance.choice(TEXTS): 30,
        lambda: chance.choice(_NUMBERS): 25,
        lambda: _made(chance, chance.choice(tuple(_PIECES))): 25,
        lambda: chance.choice((True, False, None)): 4,
        lambda: _deep(chance.choice((30, 70, 3_000))): 3,
    }
    if depth < 4:
        sizes = range(chance.randint(0, 3))
        kinds |= {
            lambda: [odd_value(chance, depth + 1) for _ in sizes]: 6,
            lambda: {_word(chance): odd_value(chance, depth + 1) for _ in sizes}: 6,
        }
    (make,) = chance.choices(list(kinds), list(kinds.values()))
    return make()


def _deep(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def _word(chance: random.Random) -> str:
    return chance.choice((chance.choice(TEXTS), chance.choice(_KEYS), _made(chance, "key")))


def _made(chance: random.Random, grammar: str) -> str:
    return "".join(chance.choice(_PIECES[grammar]) for _ in range(chance.randint(1, 9)))
