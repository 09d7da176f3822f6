"""How often a suspect benchmark is run again, for all who ask for it or decide by it.

Add here: another bound of re-runs. Keep out: what re-runs say (judging/reruns.py).
"""

from typing import Final

RERUNS: Final = 2
"""So many re-runs in line settle a suspect as OK."""
