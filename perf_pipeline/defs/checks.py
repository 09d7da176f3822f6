"""Names of checks that several modules use.

Add here: another such name. Keep out: checks of thresholds, which are named after what they judge.
Dagster concept: asset checks, https://docs.dagster.io/guides/test/asset-checks
"""

from typing import Final

GATE: Final = "gate"
"""The check of `report`, and the only one that fails a run."""
