"""A certificate that signs itself, for servers of localhost.

Add here: another kind of certificate. Keep out: servers.
"""

import subprocess
from pathlib import Path
from typing import Final

_COMMAND: Final = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2"
_NAMES: Final = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")


def self_signed(folder: Path) -> Path:
    """Write cert.pem and key.pem of localhost into a folder, and give the folder."""
    subprocess.run([*_COMMAND.split(), *_NAMES], cwd=folder, check=True, capture_output=True)
    return folder
