"""Read the spool's binary files without the code that reads them in the product.

Only NumPy's file format (NEP 1) and the struct module are needed. Add here: another way to look at
the files. Keep out: assertions.
"""

import ast
import csv
import struct
from pathlib import Path

_CODES = {"<u4": "I", "<i8": "q"}


def rows_of(path: Path) -> list[dict[str, str]]:
    """Give the whole rows of one file, with the columns of their kinds; a torn end is left out."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    begin = 10 + struct.unpack_from("<H", data, 8)[0]
    head = ast.literal_eval(data[10:begin].decode("ascii"))
    names = [name for name, _ in head["descr"]]
    packing = struct.Struct("<" + "".join(_CODES[code] for _, code in head["descr"]))
    with path.with_name(f"kinds-{path.stem}.csv").open(newline="", encoding="utf-8") as file:
        kinds = {row.pop("kind"): row for row in csv.DictReader(file)}
    whole = len(data) - (len(data) - begin) % packing.size
    found = []
    for numbers in packing.iter_unpack(data[begin:whole]):
        row = dict(zip(names, map(str, numbers), strict=True))
        found.append({**kinds[row.pop("kind")], **row})
    return found


def all_rows(folder: Path, kind: str) -> list[dict[str, str]]:
    """Give the rows of all workers and steps."""
    return [row for path in sorted(folder.glob(f"{kind}-*.npy")) for row in rows_of(path)]
