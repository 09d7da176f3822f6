"""The secrets of this process, and the mask that whatever is shown or stored goes through.

One for the whole process, on purpose: a traceback, a log line or a sentence of a library comes
from anywhere, and whoever writes it down can't know which secrets there were.
Add here: a rule on when a value is masked. Keep out: where secrets come from (config/, stack/).
"""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from perf_pipeline.secrecy.addresses import (
    MASK,
    mask_address,
    mask_addresses_in,
    public_parts,
    secrets_in,
)
from perf_pipeline.secrecy.spellings import base64_of, spellings_of

SHORTEST: Final = 4  # masking shorter ones would blacken ordinary words and numbers
_SURELY_NO_WORD: Final = 12  # letters, or digits: fewer may be a part of an ordinary word


class KnownSecrets:
    """Remember values that must not be shown, and replace them in texts.

    A value of fewer than 4 characters is never looked for. One of letters only, or of digits only,
    and fewer than 12, is replaced where it stands as a word of its own; any other wherever it is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._addresses: frozenset[str] = frozenset()
        self._public: frozenset[str] = frozenset()

    def add(self, *values: str | None) -> None:
        """Remember values; None and empty ones are no secrets."""
        with self._lock:
            self._values |= {value for value in values if value}

    def add_address(self, address: str | None) -> None:
        """Remember an address and the secrets inside it; one without any changes nothing.

        A password that is its own user's or database's name (postgres:postgres) is hidden where
        it stands in an address, and nowhere else: those names are in every sentence.
        """
        found = secrets_in(address or "")
        if address and found:
            self.add(*found)
            with self._lock:
                self._addresses |= {address}
                self._public |= public_parts(address) & found

    def add_all(self, values: Iterable[str]) -> None:
        """Remember what environment variables hold: a token, an address, or `user:password`."""
        for value in values:
            if secrets_in(value):
                self.add_address(value)
            else:
                self.add(value, "" if "://" in value else value.partition(":")[2])

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Remember the addresses that this program's own variables hold, and libpq's password."""
        for name, value in environ.items():
            if name.startswith("PERF_"):
                self.add_address(value)
        self.add(environ.get("PGPASSWORD"))

    def holds(self, value: str) -> bool:
        """Say whether a value is a secret, or has one inside."""
        return self.mask(value) != value

    def mask(self, text: str, *, words: bool = True) -> str:
        """Replace every secret of a text by ***.

        Args:
            text: for people, or to be stored.
            words: also those that are looked for as words only; not in names, which others match.
        """
        if self._values:
            for address in self._addresses:
                text = text.replace(address, mask_address(address))
            text = _looked_for(self._values - self._public).mask(text, words=words)
        return mask_addresses_in(text)


KNOWN: Final = KnownSecrets()


@dataclass(frozen=True, slots=True)
class _LookedFor:
    """Hold the spellings of all secrets, in small letters.

    Attributes:
        anywhere: replaced wherever they are.
        alone: replaced where no letter or digit is beside them.
        encoded: in base64; the whole run of its letters is replaced.
    """

    anywhere: frozenset[str]
    alone: frozenset[str]
    encoded: frozenset[str]

    def mask(self, text: str, *, words: bool) -> str:
        # Most texts hold none of hundreds of spellings: looking is cheap, an alternation is not.
        small = text.lower()
        text = _replaced(text, _found(self.encoded, small), r"[\w+/-]{{0,400}}(?:{})[\w+/=-]*")
        text = _replaced(text, _found(self.anywhere, small), "{}")
        if words:
            text = _replaced(text, _found(self.alone, small), r"(?<!\w)(?:{})(?!\w)")
        return text


@lru_cache(maxsize=8)
def _looked_for(values: frozenset[str]) -> _LookedFor:
    anywhere: set[str] = set()
    alone: set[str] = set()
    encoded: set[str] = set()
    for value in values:
        core = value.strip()
        if len(core) >= SHORTEST:
            (alone if _may_be_a_word(core) else anywhere).update(spellings_of(value))
            encoded.update(*(base64_of(text) for text in {value, core}))
    return _LookedFor(_long(anywhere), _long(alone), _long(encoded))


def _may_be_a_word(value: str) -> bool:
    return len(value) < _SURELY_NO_WORD and (value.isalpha() or value.isdigit())


def _long(spellings: Iterable[str]) -> frozenset[str]:
    return frozenset(text.lower() for text in spellings if len(text.strip()) >= SHORTEST)


def _found(spellings: frozenset[str], small: str) -> list[str]:
    found = [text for text in spellings if text in small]
    return sorted(found, key=lambda text: (-len(text), text))


def _replaced(text: str, spellings: list[str], frame: str) -> str:
    if not spellings:
        return text
    # In any case: parsers of addresses write what they take for a host in small letters.
    pattern = frame.format("|".join(map(re.escape, spellings)))
    return re.sub(pattern, MASK, text, flags=re.IGNORECASE)
