"""pgbench's hashes, and its pseudorandom permutation.

Source: PostgreSQL's src/bin/pgbench/pgbench.c and src/common/pg_prng.c (since version 14).
Add here: another function of a value and a seed. Keep out: randomness (script_draws.py).
"""

from typing import Final

_MASK: Final = 2**64 - 1
_FNV_BASIS: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_MURMUR: Final = 0xC6A4A7935BD1E995
_MURMUR_TIMES_8: Final = 0x35253C9ADE8F4CA8
_MURMUR_SHIFT: Final = 47
_ROUNDS: Final = 6
_BYTES: Final = 8


def signed(value: int) -> int:
    """Return the bigint of the lowest 64 bits."""
    value &= _MASK
    return value - (_MASK + 1) if value >> 63 else value


def fnv1a(value: int, seed: int) -> int:
    """Hash the eight bytes of a bigint, the lowest first (FNV-1a, 64 bits)."""
    found = _FNV_BASIS ^ (seed & _MASK)
    for _ in range(_BYTES):
        found = ((found ^ (value & 0xFF)) * _FNV_PRIME) & _MASK
        value >>= 8
    return signed(found)


def murmur2(value: int, seed: int) -> int:
    """Hash a bigint (MurmurHash2, 64 bits)."""
    found = (seed & _MASK) ^ _MURMUR_TIMES_8
    part = (value & _MASK) * _MURMUR & _MASK
    part = (part ^ part >> _MURMUR_SHIFT) * _MURMUR & _MASK
    found = (found ^ part) * _MURMUR & _MASK
    found = (found ^ found >> _MURMUR_SHIFT) * _MURMUR & _MASK
    return signed(found ^ found >> _MURMUR_SHIFT)


class _Xoroshiro:
    """Draw as PostgreSQL's pg_prng does: xoroshiro128**, seeded through splitmix64."""

    def __init__(self, seed: int) -> None:
        self._seed = seed & _MASK
        self._low, self._high = self._split(), self._split()

    def _split(self) -> int:
        self._seed = (self._seed + 0x9E3779B97F4A7C15) & _MASK
        found = self._seed
        found = (found ^ found >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        found = (found ^ found >> 27) * 0x94D049BB133111EB & _MASK
        return found ^ found >> 31

    def draw(self) -> int:
        """Draw 64 bits."""
        low, mixed = self._low, self._low ^ self._high
        found = _rotated(low * 5 & _MASK, 7) * 9 & _MASK
        self._low = _rotated(low, 24) ^ mixed ^ (mixed << 16 & _MASK)
        self._high = _rotated(mixed, 37)
        return found

    def up_to(self, most: int) -> int:
        """Draw from 0 to the number given."""
        if most == 0:
            return 0
        shift = 64 - most.bit_length()
        found = self.draw() >> shift
        while found > most:
            found = self.draw() >> shift
        return found


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK


def permuted(value: int, size: int, seed: int) -> int:
    """Return the place of a number in a pseudorandom permutation of the numbers below a size.

    Source: `permute` of PostgreSQL's src/bin/pgbench/pgbench.c (since version 14).
    """
    if size < 2:
        return 0
    state, found = _Xoroshiro(seed), (value & _MASK) % size
    length = size.bit_length() - 1
    mask = (1 << length) - 1
    for _ in range(_ROUNDS):
        found = _stirred(found, state, mask, length)
        found = size - 1 - _stirred(size - 1 - found, state, mask, length)
        found = (found + state.up_to(size - 1)) % size
    return found


def _stirred(value: int, state: _Xoroshiro, mask: int, length: int) -> int:
    times, other = state.draw() & mask | 1, state.draw() & mask
    if value > mask:
        return value
    value = (value * times ^ other) & mask
    return value << 1 & mask | value >> (length - 1)
