"""Take the free connections of PostgreSQL, as a client that leaks them would.

They go with this process, so that nothing is left of them when it dies.
Add here: another way of taking them. Keep out: when they are taken (loading/).
"""

import time
from collections.abc import Callable
from typing import Final

import psycopg

from perf_pipeline.errors import StackError

_TOO_MANY: Final = "53300"  # too_many_connections, in PostgreSQL's appendix A
_CONNECT_WITHIN_S: Final = 10


class HeldConnections:
    """Hold all connections that a server has to give to this user, but for some.

    Args:
        dsn: the DSN of the database.
        left: how many stay free.
        limit_s: how long taking them may take.
        is_over: says that nobody wants them any more.

    Raises:
        StackError: the server refuses the first one, gives less than are to stay free, or still
            gives more when the time is up.
    """

    def __init__(self, dsn: str, left: int, limit_s: float, is_over: Callable[[], bool]) -> None:
        self._held: list[psycopg.Connection] = []
        try:
            self._take_all(dsn, time.monotonic() + limit_s, is_over)
        except StackError:
            self.release()
            raise
        if len(self._held) < left:
            had = len(self._held)
            self.release()
            raise StackError(f"PostgreSQL had {had} free connections, and {left} are to stay free")
        for connection in self._held[:left]:
            connection.close()
        del self._held[:left]

    def __len__(self) -> int:
        """Return how many it holds."""
        return len(self._held)

    def _take_all(self, dsn: str, give_up_at: float, is_over: Callable[[], bool]) -> None:
        while not is_over():
            if time.monotonic() > give_up_at:
                raise StackError(
                    f"PostgreSQL still accepts connections after {len(self._held)} of them",
                    hint="give the fault a longer timeLimit",
                )
            try:
                self._held.append(psycopg.connect(dsn, connect_timeout=_CONNECT_WITHIN_S))
            except psycopg.OperationalError as error:
                if self._held and _is_full(error):
                    return
                told = " ".join(str(error).split()) or "no answer"
                raise StackError(f"connections can't be taken: {told}") from error

    def release(self) -> None:
        """Let all of them go."""
        for connection in self._held:
            connection.close()
        self._held.clear()


def _is_full(error: psycopg.OperationalError) -> bool:
    """Tell a refusal for want of connections; libpq gives no SQLSTATE of a failed connect."""
    if error.sqlstate is not None:
        return error.sqlstate == _TOO_MANY
    text = str(error)
    return "too many c" in text or "remaining connection slots are reserved" in text
