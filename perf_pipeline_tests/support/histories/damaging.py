"""Damage files at random places, as disks, cut copies and careless hands do.

Add here: another way to damage a file. Keep out: assertions.
"""

import random
import shutil
from collections.abc import Callable
from pathlib import Path


def flip(rng: random.Random, path: Path) -> str:
    """Flip one bit."""
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"a flipped bit in byte {at} of {path.name}"


def truncate(rng: random.Random, path: Path) -> str:
    """Cut the end off."""
    data = path.read_bytes()
    left = rng.randrange(len(data))
    path.write_bytes(data[:left])
    return f"{path.name} cut to {left} of {len(data)} bytes"


def zero(rng: random.Random, path: Path) -> str:
    """Overwrite a piece with zeros."""
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    size = min(rng.randint(1, 4_096), len(data) - at)
    data[at : at + size] = bytes(size)
    path.write_bytes(data)
    return f"{size} zeros from byte {at} of {path.name}"


def repeat(rng: random.Random, path: Path) -> str:
    """Write a piece a second time, right behind itself."""
    data = path.read_bytes()
    begin, end = sorted(rng.randrange(len(data)) for _ in range(2))
    end += 1
    path.write_bytes(data[:end] + data[begin:end] + data[end:])
    return f"bytes {begin} to {end} of {path.name} twice"


def delete(_: random.Random, path: Path) -> str:
    """Delete it."""
    path.unlink()
    return f"{path.name} deleted"


def double(rng: random.Random, path: Path) -> str:
    """Copy it beside itself under the name of another worker."""
    copy = path.with_name(f"{path.stem}{rng.randrange(10)}{path.suffix}")
    shutil.copyfile(path, copy)
    return f"{path.name} copied to {copy.name}"


WAYS: tuple[Callable[[random.Random, Path], str], ...] = (
    flip,
    flip,
    flip,
    truncate,
    zero,
    repeat,
    delete,
    double,
)


def damage(rng: random.Random, folder: Path) -> str:
    """Damage one file of a folder in one way, and say what was done."""
    path = rng.choice([file for file in sorted(folder.rglob("*")) if file.is_file()])
    way = rng.choice(WAYS) if path.stat().st_size else delete
    return way(rng, path)
