"""Compiled layouts of reports: Python's bytecode of a template, kept as that of a module is.

To compile the templates of one report takes 0.15 s of CPU, as much as to fill them in.
Add here: nothing for a new template. Keep out: what a layout shows, and how its values are escaped
(pages.py).
"""

import os
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from pickle import UnpicklingError
from typing import Final

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

_NOT_TO_BE_READ: Final = (OSError, EOFError, ValueError, TypeError, UnpicklingError)


class KeptLayouts(BytecodeCache):
    """Keep compiled templates where Python keeps compiled modules: `__pycache__` beside them.

    As there, nothing is written where Python may write no bytecode (PYTHONDONTWRITEBYTECODE), or
    where the folder takes no file, and what cannot be read is compiled again. A template that has
    changed is as well, and so is one of another version of Jinja or of Python.

    Args:
        folder: of the templates.
        kind: how their values are escaped: the same template has other code for another format.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._made_by = " ".join((kind, version("jinja2"), sys.version))

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket with what is kept of its template; leave it empty where nothing is."""
        with suppress(*_NOT_TO_BE_READ, NotImplementedError):
            bucket.bytecode_from_string(self._path(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template, as a whole or not at all."""
        if sys.dont_write_bytecode:
            return
        with suppress(OSError, NotImplementedError):
            path = self._path(bucket)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{os.getpid()}")
            part.write_bytes(bucket.bytecode_to_string())
            part.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        """Return the file of a template; a name is one for each that differs in what it depends on.

        Raises:
            NotImplementedError: this Python keeps no bytecode.
        """
        made_of = f"{bucket.key} {self._made_by}"
        name = f"{sha256(made_of.encode()).hexdigest()[:24]}.py"
        return Path(cache_from_source(str(self._folder / name)))
