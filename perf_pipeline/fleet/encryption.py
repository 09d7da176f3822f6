"""TLS between driver and agent, with the certificates that the engine of the fleet uses itself.

Both ends show a certificate of the engine's own authority, and names are not compared: workers of a
fleet have no fixed names. Add here: another way to give a certificate. Keep out: which engine it is
from (dask_engine.py).
"""

import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

_PEM = "-----BEGIN"


def server_context(parts: Mapping[str, str]) -> ssl.SSLContext:
    """Return the TLS context with which an agent accepts connections.

    Args:
        parts: `ca`, `cert` and `key`: paths of PEM files on this host, or their texts.

    Raises:
        OSError: a file can't be read, or is not a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    with tempfile.TemporaryDirectory() as folder:
        files = {name: _as_file(text, Path(folder) / name) for name, text in parts.items()}
        context.load_verify_locations(files["ca"])
        context.load_cert_chain(files["cert"], files["key"])
    return context


def _as_file(text: str, path: Path) -> str:
    if _PEM not in text:
        return text
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return str(path)
