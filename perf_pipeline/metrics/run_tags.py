"""The tags that people give a run, such as `env=staging`, as a command and a driver take them.

A tag describes and decides nothing: runs are compared whatever their tags are.
Add here: another rule of a tag. Keep out: tags of samples (naming.py), and where tags are shown.
"""

import re
from typing import Final

from perf_pipeline.quoting import is_utf8, shown

_LONGEST_VALUE: Final = 200
# What Dagster and most tools take as well.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", re.ASCII)


def run_tag(text: str) -> tuple[str, str]:
    """Read `NAME=VALUE` and return both, without the blanks around the value.

    >>> run_tag("env=staging")
    ('env', 'staging')

    Raises:
        ValueError: it is no such pair; the message says what is wrong with it.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{shown(text)} has no `=`; write NAME=VALUE, such as env=staging")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{shown(name)} can't be a tag's name; write 1 to 40 of A-Z, a-z, 0-9, `_`, `.` and "
            "`-`, the first a letter or a digit"
        )
    value = value.strip()
    if not value:
        raise ValueError(f"tag {name} has no value; write {name}=VALUE")
    if not (is_utf8(value) and value.isprintable()):
        raise ValueError(f"the value {shown(value)} of tag {name} is not one line of letters")
    if len(value) > _LONGEST_VALUE:
        told = f"{len(value):,} characters, and {_LONGEST_VALUE} is the most"
        raise ValueError(f"the value of tag {name} has {told}")
    return name, value
