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
from typing import TYPE_CHECKING, Final

from jinja2 import BytecodeCache

import perf_pipeline

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.bccache import Bucket

# What Jinja compiles into a template, beside its text.
_COMPILED_IN: Final = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix"),
    *("line_comment_prefix", "trim_blocks", "lstrip_blocks", "newline_sequence"),
    *("keep_trailing_newline", "optimized", "autoescape", "finalize", "is_async", "sandboxed"),
)
_DIGEST_BYTES: Final = sha256().digest_size


class KeptLayouts(BytecodeCache):
    """Keep compiled templates where Python keeps compiled modules: `__pycache__` beside them.

    As there, nothing is written where Python may write no bytecode (PYTHONDONTWRITEBYTECODE), or
    where the folder takes no file. A file that is not as it was written, by its SHA-256, or cannot
    be read is compiled again. A template that has changed is as well, and so is one of other
    options or of another version of Jinja, of Python or of ours.

    Args:
        folder: the folder of the templates.
        kind: how their values are escaped: the same template has other code for another format.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        ours = perf_pipeline.__version__
        self._made_by = " ".join((kind, ours, version("jinja2"), sys.version))

    def load_bytecode(self, bucket: "Bucket") -> None:
        """Fill a bucket with what is kept of its template; leave it empty where nothing is."""
        # Of any kind: whatever the file holds, the template itself is there to be compiled.
        with suppress(Exception):
            kept = self._path(bucket).read_bytes()
            digest, bytecode = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
            if sha256(bytecode).digest() == digest:
                bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: "Bucket") -> None:
        """Keep a compiled template, as a whole or not at all."""
        if sys.dont_write_bytecode:
            return
        with suppress(OSError, NotImplementedError):
            path = self._path(bucket)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{os.getpid()}")
            bytecode = bucket.bytecode_to_string()
            part.write_bytes(sha256(bytecode).digest() + bytecode)
            part.replace(path)

    def _path(self, bucket: "Bucket") -> Path:
        """Return the file of a template; a name is one for each that differs in what it depends on.

        Raises:
            NotImplementedError: this Python keeps no bytecode.
        """
        made_of = f"{bucket.key} {self._made_by} {_options(bucket.environment)}"
        name = f"{sha256(made_of.encode()).hexdigest()[:24]}.py"
        return Path(cache_from_source(str(self._folder / name)))


def _options(environment: "Environment") -> list[object]:
    """Name what an environment compiles into its templates; a function goes by its name."""
    options = [getattr(environment, name) for name in _COMPILED_IN]
    return [
        *(getattr(option, "__qualname__", option) for option in options),
        *sorted(environment.extensions),
    ]
