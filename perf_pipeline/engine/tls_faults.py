"""Explain what a failed TLS handshake shows about the other side.

Add here: another reason that OpenSSL gives. Keep out: who is trusted.
"""

import ssl
from typing import Final

# What versions of OpenSSL call bytes that are not a TLS record.
_NO_TLS_RECORD: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)


def is_plain_answer(error: BaseException) -> bool:
    """Say whether the other side answered a TLS handshake in plain text."""
    return isinstance(error, ssl.SSLError) and error.reason in _NO_TLS_RECORD
