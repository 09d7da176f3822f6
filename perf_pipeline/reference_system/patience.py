"""Define how long relay and worker wait for a connection to PostgreSQL before they try another.

Add here: another reason to wait for longer. Keep out: connecting (relay.py, deliveries.py).
"""

from typing import Final

from psycopg.errors import ConnectionTimeout, OperationalError

_FIRST_S: Final = 2
_MOST_S: Final = 8


class Patience:
    """Wait twice as long after each attempt that took too long, up to a limit.

    A machine that is very busy can take longer than the first two seconds each time; who then
    begins anew never gets a connection, and makes it busier.

    Attributes:
        seconds: that the next attempt may take.
    """

    def __init__(self) -> None:
        self.seconds = _FIRST_S

    def failed(self, error: OperationalError) -> None:
        """Note that an attempt failed; only one that took too long changes anything.

        >>> patience = Patience()
        >>> for error in (ConnectionTimeout(), OperationalError("refused"), ConnectionTimeout()):
        ...     patience.failed(error)
        >>> patience.seconds
        8
        """
        if isinstance(error, ConnectionTimeout):
            self.seconds = min(2 * self.seconds, _MOST_S)

    def was_enough(self) -> None:
        """Note that there is a connection: the next one is waited for as the first."""
        self.seconds = _FIRST_S
