"""Seeded people: reproducible names, birthdays, time zones and email addresses.

Pure: the randomness comes in as an argument. Every address lies in a domain that cannot exist
(RFC 6761) and carries its run, so that whoever cleans up finds exactly its own rows.
Add here: a field of a person. Keep out: SQL, HTTP, and files of ids.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

EMAIL_DOMAIN: Final = "perf-pipeline.invalid"
FIRST_NAMES: Final = (
    "Ada", "Amina", "Björn", "Carlos", "Chiara", "Hiroshi", "José", "Kwame", "Mei", "Noor",
    "Olivia", "Priya", "Tomás", "Yuki",
)  # fmt: skip
LAST_NAMES: Final = (
    "Andersson", "Garcia", "Kimura", "Müller", "Ncube", "O'Brien", "Okafor", "Rossi", "Silva",
    "Singh", "Tanaka", "Wang",
)  # fmt: skip
TIMEZONES: Final = (
    "Africa/Johannesburg", "Africa/Lagos", "America/Los_Angeles", "America/New_York",
    "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
    "Europe/Berlin", "Europe/London",
)  # fmt: skip
FIRST_YEAR: Final = 1960
LAST_YEAR: Final = 1999
# Every month has a 28th; a 29th of February would have no birthday in most years.
LAST_DAY: Final = 28

# 24 + 16 characters leave 19 digits for VU and iteration within the 64 of RFC 5321, 4.5.3.1.1.
_RUN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")
_SCENARIO: Final = re.compile(r"[a-z0-9_]{1,16}")
_LOCAL_PART_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Person:
    """Hold one user of the Birthday Scheduler, before it has an id."""

    first_name: str
    last_name: str
    email: str
    birthday: date
    timezone: str


def person(source: random.Random, email: str) -> Person:
    """Draw a person; equal states of the source give equal people."""
    return Person(
        first_name=source.choice(FIRST_NAMES),
        last_name=source.choice(LAST_NAMES),
        email=email,
        birthday=date(
            source.randint(FIRST_YEAR, LAST_YEAR),
            source.randint(1, 12),
            source.randint(1, LAST_DAY),
        ),
        timezone=source.choice(TIMEZONES),
    )


def people(seed: int, run: str, count: int) -> Iterator[Person]:
    """Yield the people of a seeded data set; equal arguments give equal people.

    Another run gets the same names, birthdays and zones under addresses of its own.
    """
    source = random.Random(seed)
    for index in range(count):
        yield person(source, seeded_email(run, index))


def seeded_email(run: str, index: int) -> str:
    """Return the address of a seeded person.

    >>> seeded_email("r42", 7)
    'u7-r42@perf-pipeline.invalid'
    """
    return f"u{index}-{run_label(run)}@{EMAIL_DOMAIN}"


def created_email(run: str, scenario: str, vu: int, iteration: int) -> str:
    """Return the address of a person that an iteration creates; no two iterations share one.

    Read from its end the address is unambiguous: digits, digits, a scenario without hyphens.

    >>> created_email("r42", "create_users", vu=1, iteration=11)
    'c-r42-create_users-1-11@perf-pipeline.invalid'

    Raises:
        ValueError: VU and iteration have more than 19 digits together.
    """
    local = f"c-{run_label(run)}-{_label(scenario, _SCENARIO)}-{vu}-{iteration}"
    if len(local) > _LOCAL_PART_LENGTH:
        raise ValueError(f"VU {vu} and iteration {iteration} are too long for an email address")
    return f"{local}@{EMAIL_DOMAIN}"


def run_label(run: str) -> str:
    """Return a run id as it stands in email addresses: itself, or a digest of a long or odd one.

    >>> run_label("20260301-1200-ab"), run_label("3F2504E0-4F89-11D3-9A0C-0305E82C3301")
    ('20260301-1200-ab', 'h.4ce2fd613784')
    """
    return _label(run, _RUN)


def run_email_pattern(run: str) -> str:
    """Return the regular expression of exactly this run's addresses, for Python and PostgreSQL.

    >>> run_email_pattern("r42")
    '^(u[0-9]+-r42|c-r42-[a-z0-9_.]+-[0-9]+-[0-9]+)@perf-pipeline[.]invalid$'
    """
    label, domain = run_label(run).replace(".", "[.]"), EMAIL_DOMAIN.replace(".", "[.]")
    return f"^(u[0-9]+-{label}|c-{label}-[a-z0-9_.]+-[0-9]+-[0-9]+)@{domain}$"


def _label(text: str, plain: re.Pattern[str]) -> str:
    if plain.fullmatch(text):
        return text
    # The dot, which no plain label holds, keeps a digest from ever equalling one.
    return "h." + hashlib.sha256(text.encode()).hexdigest()[:12]
