"""Define the keys of each kind of fault, which of them are required, and the sentences on mistakes.

Add here: a kind of fault, with its keys. Keep out: what the keys mean (faults.py), and the load
that a fault has to fit (fault_rules.py).
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

FaultKind = Literal[
    "kill", "stop", "pause", "restart", "full_disk",
    "delay", "loss", "reset", "partition", "bandwidth",
    "lock", "connections", "rebalance", "leader_change", "flush", "command",
]  # fmt: skip
FaultPart = Literal["api", "worker", "relay", "postgres", "broker", "redis"]
LinkClient = Literal["load", "api", "worker", "relay"]
LinkServer = Literal["api", "postgres", "broker", "redis"]
CLIENTS: Final[Mapping[str, tuple[LinkClient, ...]]] = MappingProxyType(
    {
        "api": ("load",),
        "postgres": ("load", "api", "relay", "worker"),
        "redis": ("load", "api"),
        "broker": ("load", "relay", "worker"),
    }
)
"""Who connects to each server: parts of the reference system, and the load itself."""
DISKS: Final[tuple[FaultPart, ...]] = ("postgres", "broker", "redis")
"""Parts that can be started with a disk of their own, which a fault fills."""
NETWORK: Final = frozenset({"delay", "loss", "reset", "partition", "bandwidth"})
"""Kinds that hinder connections between parts."""
SERVERS: Final[Mapping[str, FaultPart]] = MappingProxyType(
    {
        "lock": "postgres",
        "connections": "postgres",
        "rebalance": "broker",
        "leader_change": "broker",
        "flush": "redis",
    }
)
"""Kinds that are done over a connection to a server of the target, whoever has started it."""

_LASTING: Final = frozenset(
    {"kill", "stop", "pause", "full_disk", "lock", "connections", "rebalance", "leader_change"}
) | NETWORK - {"reset"}
_AT_ONCE: Final = MappingProxyType(
    {
        "restart": "starts the part at once",
        "flush": "is done at once, and nothing brings the keys back",
    }
)
_ONLY: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "table": ("lock",),
        "topic": ("leader_change",),
        "run": ("command",),
        "undo": ("command",),
        "delay": ("delay",),
        "jitter": ("delay",),
        "share": ("loss",),
        "bytesPerS": ("bandwidth",),
        "from": sorted(NETWORK),
        "to": sorted(NETWORK),
        "left": ("connections",),
    }
)
"""Keys that stand in faults of some kinds only."""
_NEEDED: Final = MappingProxyType(
    {
        "lock": ("table", 'table = "users"'),
        "command": ("run", 'run = "docker kill api"'),
        "delay": ("delay", 'delay = "50ms"'),
        "loss": ("share", "share = 0.05"),
        "bandwidth": ("bytesPerS", "bytesPerS = 100_000"),
    }
)


def key_mistake(kind: str, keys: Collection[str]) -> str:
    """Name the key that does not fit a kind, or is missing; empty where there is no mistake.

    Args:
        kind: the kind of the fault.
        keys: the keys that were written, apart from `at`, `kind`, `name` and `timeLimit`.
    """
    for key, kinds in _ONLY.items():
        if key in keys and kind not in kinds:
            named = f'kind = "{kinds[0]}"' if len(kinds) == 1 else f"the kinds {', '.join(kinds)}"
            return f"{key} stands only in a fault of {named}; this one is {kind!r}"
    if "part" in keys and (why := _why_no_part(kind)):
        return f'part has no meaning for kind = "{kind}"; {why}'
    return _missing(kind, keys) or _length_mistake(kind, keys)


def _why_no_part(kind: str) -> str:
    if kind == "command":
        return "the command says what it hits"
    if kind in NETWORK:
        return 'write whose connections it hinders, such as from = "api", to = "postgres"'
    return f"it is {SERVERS[kind]}" if kind in SERVERS else ""


def _missing(kind: str, keys: Collection[str]) -> str:
    if kind in _NEEDED:
        needed, example = _NEEDED[kind]
        if needed not in keys:
            return f'kind = "{kind}" needs {needed}, such as {example}'
    if kind in NETWORK and "to" not in keys:
        return f'kind = "{kind}" needs to, the server of the connections, such as to = "postgres"'
    if kind not in {*SERVERS, *NETWORK, "command"} and "part" not in keys:
        return f'kind = "{kind}" needs the part that it hits, such as part = "worker"'
    return ""


def _length_mistake(kind: str, keys: Collection[str]) -> str:
    if kind in _LASTING and "for" not in keys:
        return f'kind = "{kind}" needs for, such as for = "5s"'
    if kind in _AT_ONCE and "for" in keys:
        return f'kind = "{kind}" {_AT_ONCE[kind]}, so for has no meaning'
    if kind == "command" and "for" in keys and "undo" not in keys:
        return 'for says when undo runs; write undo, such as undo = "docker start api"'
    return ""
