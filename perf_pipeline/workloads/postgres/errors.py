"""Show people what they may see of a DSN and of psycopg's errors: never a password.

Add here: a wording for another way in which PostgreSQL refuses. Keep out: retries, samples.
"""

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import (
    CharacterNotInRepertoire,
    InsufficientPrivilege,
    UndefinedTable,
    UntranslatableCharacter,
)

from perf_pipeline.config.postgres_encryption import encryption_remedy
from perf_pipeline.errors import TargetUnavailableError

CONNECT_TIMEOUT_S = 10
_LONGEST_CLASS = 40
# libpq says in words what happened to a connection; they are those of a server without translation.
_CONNECTIONS = (
    ("refused", "refused"),
    ("timeout", "connect_timeout"),
    ("reset by peer", "reset"),
    ("broken pipe", "reset"),
    ("closed the connection", "closed"),
    ("connection not open", "closed"),
    ("no connection to the server", "closed"),
    ("name or service not known", "dns"),
    ("unreachable", "unreachable"),
    ("too many open files", "generator"),
)


def address(dsn: str) -> str:
    """Return `user@host:port/database` of a DSN.

    Raises:
        TargetUnavailableError: it is no DSN; its text is not repeated, it may hold a password.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except Error:
        parts = {}
    # "user:p@ss@host" parses, and would show the password's tail as the host.
    if not parts or "@" in str(parts.get("host", "")):
        raise TargetUnavailableError(
            "the PostgreSQL DSN can't be read (it is not shown here, because it may contain a "
            "password)",
            hint=(
                "write postgresql://host:port/database, with user:password@ in front of the host "
                "if the server asks for a password; percent-encode @ : / ? in it"
            ),
        ) from None
    user, host = parts.get("user", ""), parts.get("host", "localhost")
    return f"{user}@{host}:{parts.get('port', 5432)}/{parts.get('dbname', user)}"


def unavailable(dsn: str, error: Error) -> TargetUnavailableError:
    """Turn an error of psycopg into one with a sentence and a remedy, password masked."""
    where = address(dsn)
    if isinstance(error, UndefinedTable):
        return TargetUnavailableError(
            f"PostgreSQL at {where} has no table `users`",
            hint="create the target's tables first (its migrations), or correct the DSN",
        )
    if isinstance(error, InsufficientPrivilege):
        return TargetUnavailableError(
            f"PostgreSQL at {where} refuses: {error.diag.message_primary}",
            hint=(
                "grant the role select, insert, update and delete on users, and create for an index"
            ),
        )
    if isinstance(error, UntranslatableCharacter | CharacterNotInRepertoire):
        return TargetUnavailableError(
            f"texts of PostgreSQL at {where} are not UTF-8, or can't be converted to it: "
            f"{error.diag.message_primary}",
            hint="create the database with encoding 'UTF8'",
        )
    said = str(error.diag.message_primary or error).strip().replace("\n", " ")
    password = str(conninfo_to_dict(dsn).get("password") or "")
    if password:
        said = said.replace(password, "***")
    return TargetUnavailableError(
        f"PostgreSQL at {where} can't be used: {said}",
        hint=encryption_remedy(str(error))
        or (
            "start it, correct the DSN (PERF_POSTGRES_DSN), or wait until it accepts connections "
            "again"
        ),
    )


def refused(dsn: str, error: Error) -> TargetUnavailableError:
    """Turn an error on somebody's own statement into one with the server's words and a remedy."""
    if isinstance(error, UndefinedTable | InsufficientPrivilege):
        return TargetUnavailableError(
            f"PostgreSQL at {address(dsn)} refuses: {error.diag.message_primary}",
            hint="create what is missing, grant it to the role, or correct the DSN",
        )
    return unavailable(dsn, error)


def error_class(error: Error) -> str:
    """Return the SQLSTATE, or the exception's class where the server sent none."""
    state = error.sqlstate or ""
    return state if state.isalnum() and len(state) <= _LONGEST_CLASS else type(error).__name__


def failure_class(error: Error) -> str:
    """Return the SQLSTATE, or a class as HTTP has it where no server sent one.

    >>> failure_class(Error("connection failed: ... Connection refused"))
    'refused'
    """
    if error.sqlstate:
        return error_class(error)
    said = str(error).lower()
    return next((name for text, name in _CONNECTIONS if text in said), error_class(error))
