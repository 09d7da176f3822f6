"""Say what to change in a DSN if client and server do not agree on encryption.

Add here: another error message of libpq or the server about encryption. Keep out: all other
messages.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.files import read_text

_LARGEST_KEY_BYTES: Final = 1 << 20
# Messages of libpq 16 to 18 (fe-connect.c, fe-secure-openssl.c) and of the server (auth.c).
_REMEDIES: Final = MappingProxyType(
    {
        "server does not support SSL": (
            "the server does not speak TLS; leave sslmode out of the DSN, write sslmode=disable, "
            "or switch ssl on in the server"
        ),
        "no encryption": "the server accepts only encrypted connections; write sslmode=require",
        "SSL encryption": (
            "the server refuses this connection over TLS; write sslmode=disable, or correct its "
            "pg_hba.conf"
        ),
        "invalid response to SSL negotiation": (
            "what listens at this port does not negotiate TLS as PostgreSQL does; correct the "
            "port, or, if TLS begins at once there, write sslmode=require and sslnegotiation=direct"
        ),
        "certificate verify failed": "name the authority's certificate with sslrootcert=FILE",
        "root certificate file": "name the authority's certificate with sslrootcert=FILE",
        "could not load private key file": (
            "write the key's password into sslpassword, or name a key without a password"
        ),
        "does not match host name": (
            "the server's certificate is for another host; write the host that it names, or "
            "sslmode=verify-ca"
        ),
    }
)


def encryption_remedy(said: str) -> str:
    """Return what to do about an error of encryption; empty for any other error.

    >>> encryption_remedy("connection refused")
    ''

    Args:
        said: the error message of libpq or the server.
    """
    return next((remedy for words, remedy in _REMEDIES.items() if words in said), "")


def require_password_of_key(given: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Refuse an encrypted client key without its password; libpq would ask for it at the terminal.

    Nobody could answer there, least of all a load worker.

    Args:
        given: the settings of a connection string.
        environment: the environment with libpq's own variables.

    Raises:
        ValueError: the key is encrypted; the sentence continues after the name of the string.
    """
    usual = Path(environment.get("HOME", "/"), ".postgresql", "postgresql.key")
    key = given.get("sslkey") or environment.get("PGSSLKEY") or str(usual)
    if given.get("sslpassword") or given.get("sslmode") == "disable":
        return
    try:
        text = read_text(Path(key), _LARGEST_KEY_BYTES)
    except ValueError:
        return  # libpq says what it makes of it
    if "ENCRYPTED" in text:
        raise ValueError(
            f"has the client key {key[:200]!r}, which is encrypted; write its password into "
            "sslpassword, or name a key without a password in sslkey"
        )
