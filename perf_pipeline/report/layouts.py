"""Cache compiled templates of reports, as Python caches the bytecode of modules.

Compiling the templates of one report takes 0.15 s of CPU, as much as filling them in.
Add here: nothing for a new template. Keep out: the content of layouts, and escaping of values
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

# Options that Jinja compiles into a template, in addition to its text.
_COMPILED_IN: Final = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix"),
    *("line_comment_prefix", "trim_blocks", "lstrip_blocks", "newline_sequence"),
    *("keep_trailing_newline", "optimized", "autoescape", "finalize", "is_async", "sandboxed"),
)
_DIGEST_BYTES: Final = sha256().digest_size


class KeptLayouts(BytecodeCache):
    """Keep compiled templates where Python keeps compiled modules, in `__pycache__`.

    As with modules, nothing is written if Python may not write bytecode (PYTHONDONTWRITEBYTECODE),
    or if the folder is not writable. A template is compiled again if its file can't be read or was
    changed, by its SHA-256; if the template has changed; or if the options or the version of Jinja,
    of Python or of this package are different.

    Args:
        folder: the folder of the templates.
        kind: how values are escaped; the same template has different code for another format.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        ours = perf_pipeline.__version__
        self._made_by = " ".join((kind, ours, version("jinja2"), sys.version))

    def load_bytecode(self, bucket: "Bucket") -> None:
        """Fill a bucket from the cache; leave it empty if the cache does not have its template."""
        # Any error: whatever the file holds, the template itself can be compiled.
        with suppress(Exception):
            kept = self._path(bucket).read_bytes()
            digest, bytecode = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
            if sha256(bytecode).digest() == digest:
                bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: "Bucket") -> None:
        """Keep a compiled template, either completely or not at all."""
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
        """Return the cache file of a template, named after everything that affects the code.

        Raises:
            NotImplementedError: this Python keeps no bytecode.
        """
        made_of = f"{bucket.key} {self._made_by} {_options(bucket.environment)}"
        name = f"{sha256(made_of.encode()).hexdigest()[:24]}.py"
        return Path(cache_from_source(str(self._folder / name)))


def _options(environment: "Environment") -> list[object]:
    """Describe what an environment compiles into its templates; functions by their names."""
    options = [getattr(environment, name) for name in _COMPILED_IN]
    return [
        *(getattr(option, "__qualname__", option) for option in options),
        *sorted(environment.extensions),
    ]
