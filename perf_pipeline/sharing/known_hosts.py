"""Whether a server of SFTP is the one that this machine knows by its key, as `ssh` asks.

fsspec's client takes any server that answers. So the key of the one that did is looked for in the
files of OpenSSH, before anything is read or written there; logging in by a key tells it no secret.
Add here: another file of known keys. Keep out: reaching the place (place.py).
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from perf_pipeline.errors import StoreError

_FILES: Final = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
_PORT: Final = 22


def require_known_host(files: Any) -> None:
    """Do nothing where the server is known.

    Args:
        files: fsspec's file system of SFTP, connected.

    Raises:
        StoreError: nobody here knows its key, or it has another one than this machine knows.
    """
    # An extra, of which mypy needs to know nothing.
    known = import_module("paramiko").HostKeys()
    for path in (Path(name).expanduser() for name in _FILES):
        if path.is_file():
            known.load(str(path))
    transport = files.client.get_transport()
    host, port = files.host, transport.getpeername()[1]
    name = host if port == _PORT else f"[{host}]:{port}"
    key = transport.get_remote_server_key()
    if known.check(name, key):
        return
    files.client.close()
    what = "has another key than the one of" if known.lookup(name) else "has a key that is not in"
    raise StoreError(
        f"{name} {what} ~/.ssh/known_hosts: {key.get_name()} {key.fingerprint}",
        hint=f"compare it with what its administrator says, then: ssh-keyscan -p {port} {host} >> "
        "~/.ssh/known_hosts",
    )
