"""Draw from Hypothesis once, before pytest's processes are forked.

At its first draw it reads the constants of every module that is imported, which properties are then
tried with, and works out the table of all letters: 5 s of CPU, and less where `.hypothesis` has it.
Add here: another kind of value with whose first draw it keeps something. Keep out: properties.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@settings(max_examples=20, database=None, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.text(), st.integers(), st.floats())
def draw(_text: str, _number: int, _figure: float) -> None:
    """Let it work out what it keeps."""
