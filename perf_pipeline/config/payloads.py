"""Read payloads for own messages: a file with one per line, or a folder with one per file.

Add here: another form in which payloads are kept. Keep out: choosing the payload of a message
(workloads/).
"""

from pathlib import Path
from typing import Final

from perf_pipeline.config.files import LARGEST_DATA_BYTES, read_bytes

_MOST_FILES: Final = 100_000


def read_payloads(path: Path) -> tuple[bytes, ...]:
    """Read all payloads; files of a folder come in the order of their names.

    Raises:
        ValueError: the file or folder can't be read, or holds no payload; the sentence names it.
    """
    try:
        found = _files(path) if path.is_dir() else _lines(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name!r} {error}") from None
    if not found:
        raise ValueError(f"{path.name!r} holds no payload; write one per line, or one per file")
    return found


def _lines(path: Path) -> tuple[bytes, ...]:
    lines = (line.removesuffix(b"\r") for line in read_bytes(path, LARGEST_DATA_BYTES).split(b"\n"))
    return tuple(line for line in lines if line)


def _files(path: Path) -> tuple[bytes, ...]:
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    if len(files) > _MOST_FILES:
        raise ValueError(f"has {len(files):,} files; it may have at most {_MOST_FILES:,}")
    left, found = LARGEST_DATA_BYTES, list[bytes]()
    for file in files:
        found.append(read_bytes(file, left))
        left -= len(found[-1])
    return tuple(found)
