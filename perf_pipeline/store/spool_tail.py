"""Reading a spool that still grows: each look reads only what is new.

Add here: a kind of file that grows otherwise than at its end. Keep out: what the rows mean.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from perf_pipeline.metrics.spool_rows import HEAD_BYTES, KINDS_PREFIX, ROWS_SUFFIX, RowLayout
from perf_pipeline.store.spool_kinds import KINDS


class SpoolTail:
    """Remember how far each file of a benchmark was read.

    Args:
        folder: the folder of the benchmark; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_bytes: dict[str, int] = {}

    @contextmanager
    def grown(self, kinds: Collection[str]) -> Iterator[Path]:
        """Yield a folder like the benchmark's that holds only new and complete rows, for a while.

        Args:
            kinds: keys of `spool_kinds.KINDS`.
        """
        with TemporaryDirectory(prefix="perf-pipeline-") as scratch:
            for name in kinds:
                kind = KINDS[name]
                for path in sorted(self._folder.glob(kind.pattern)):
                    self._take_lines(path, Path(scratch))
                if kind.layout is not None:
                    pattern = Path(kind.pattern).with_suffix(ROWS_SUFFIX).name
                    for path in sorted(self._folder.glob(pattern)):
                        self._take_rows(path, kind.layout, Path(scratch))
            yield Path(scratch)

    def _take_rows(self, path: Path, layout: RowLayout, scratch: Path) -> None:
        begin = self._read_bytes.get(path.name, HEAD_BYTES)
        row_bytes = layout.packing.size
        new = max(0, path.stat().st_size - begin) // row_bytes
        if not new:
            return
        with path.open("rb") as file:
            file.seek(begin)
            rows = file.read(new * row_bytes)
        (scratch / path.name).write_bytes(layout.head(0) + rows)
        self._read_bytes[path.name] = begin + len(rows)
        # After the rows: a kind is on the disk before the first row that names it.
        kinds = f"{KINDS_PREFIX}{path.stem}.csv"
        (scratch / kinds).symlink_to((self._folder / kinds).absolute())

    def _take_lines(self, path: Path, scratch: Path) -> None:
        with path.open("rb") as file:
            header = file.readline()
            begin = self._read_bytes.get(path.name, len(header))
            file.seek(begin)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        if whole:
            (scratch / path.name).write_bytes(header + whole)
            self._read_bytes[path.name] = begin + len(whole)
