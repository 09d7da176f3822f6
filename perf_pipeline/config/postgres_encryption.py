"""Says what to change in a DSN where client and server do not agree on encryption.

Add here: another of libpq's or the server's sentences. Keep out: sentences about anything else.
"""

from types import MappingProxyType
from typing import Final

# Sentences of libpq 16 to 18 (fe-connect.c, fe-secure-openssl.c) and of the server (auth.c).
_REMEDIES: Final = MappingProxyType(
    {
        "server does not support SSL": "the server speaks no TLS: leave sslmode out of the DSN, "
        "write sslmode=disable, or switch ssl on in the server",
        "no encryption": "the server takes encrypted connections only: write sslmode=require",
        "SSL encryption": "the server refuses this connection with TLS: write sslmode=disable, or "
        "correct its pg_hba.conf",
        "invalid response to SSL negotiation": "what listens there does not negotiate TLS as "
        "PostgreSQL does: correct the port, or write sslmode=require and sslnegotiation=direct "
        "where TLS begins at once",
        "certificate verify failed": "name the certificate of the authority: sslrootcert=FILE",
        "root certificate file": "name the certificate of the authority: sslrootcert=FILE",
        "does not match host name": "the server's certificate is for another name: write the host "
        "that it names, or sslmode=verify-ca",
    }
)


def encryption_remedy(said: str) -> str:
    """Give the remedy for an error about encryption; empty for any other error.

    >>> encryption_remedy("connection refused")
    ''

    Args:
        said: what libpq or the server said.
    """
    return next((remedy for words, remedy in _REMEDIES.items() if words in said), "")
