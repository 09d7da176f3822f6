"""The bounds on how often a suspect benchmark may be run again.

Add here: another bound of re-runs. Keep out: the verdict of re-runs (judging/reruns.py).
"""

from typing import Final

RERUNS: Final = 2
"""So many re-runs in line settle a suspect as OK."""
