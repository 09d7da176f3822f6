"""Certificates for servers and clients of localhost: signed by themselves, or by an authority.

Add here: another kind of certificate. Keep out: servers.
"""

import subprocess
from pathlib import Path
from typing import Final

_COMMAND: Final = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2"
_NAMES: Final = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
_AUTHORITY: Final = "req -x509 -newkey rsa:2048 -nodes -keyout {0}.key -out {0}.pem -days 2"
_REQUEST: Final = "req -newkey rsa:2048 -nodes -keyout {0}.key -out {0}.csr"
_SIGNATURE: Final = "x509 -req -in {0}.csr -CA {1}.pem -CAkey {1}.key -CAcreateserial -days {2}"
_SIGNED_NAMES: Final = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def self_signed(folder: Path) -> Path:
    """Write cert.pem and key.pem of localhost into a folder, and return the folder."""
    subprocess.run([*_COMMAND.split(), *_NAMES], cwd=folder, check=True, capture_output=True)
    return folder


def authority(folder: Path, name: str) -> Path:
    """Write NAME.pem and NAME.key of an authority; return the certificate."""
    _openssl(folder, *_AUTHORITY.format(name).split(), "-subj", f"/CN={name}")
    return folder / f"{name}.pem"


def signed(folder: Path, name: str, by: str, *, days: int = 2, names: str = _SIGNED_NAMES) -> Path:
    """Write NAME.pem and NAME.key of localhost and 127.0.0.1; return the certificate.

    Args:
        folder: with the authority.
        name: of the certificate, and of its owner.
        by: name of the authority.
        days: how long it is valid; a negative number makes one that has expired.
        names: of the server, as openssl wants them.
    """
    _openssl(folder, *_REQUEST.format(name).split(), "-subj", f"/CN={name}", "-addext", names)
    signature = _SIGNATURE.format(name, by, days).split()
    _openssl(folder, *signature, "-copy_extensions", "copy", "-out", f"{name}.pem")
    return folder / f"{name}.pem"


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
