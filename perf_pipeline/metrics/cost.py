"""Hold what a tier spent its time on while the load ran.

Add here: another fact about a cost. Keep out: reading it (probes/), what it means (analysis/).
"""

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class Cost:
    """Record what a tier's time went into while the load ran.

    Attributes:
        tier: whose time it is: `database`, `queue`, or a tier such as `api`.
        kind: `wait` for what its sessions waited for (`CPU`: for nothing), `statement`,
            `function` for one of Python, or `request` for one of Kafka.
        name: such as `Lock: transactionid`, the statement with ? in place of its values, or
            `send (client.py:120)`.
        value: s, of all sessions or threads together.
        calls: how often it was done; 0 where it was only seen, at regular moments.
    """

    tier: str
    kind: str
    name: str
    value: float
    calls: int


COST_COLUMNS: Final = tuple(field.name for field in fields(Cost))
