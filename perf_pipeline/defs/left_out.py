"""Say on the asset of a benchmark that the profile leaves out why it has no figures.

Add here: another thing to show about it. Keep out: which benchmarks are left out
(judging/expected.py). Dagster concept: asset checks,
https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Iterable, Iterator

import dagster as dg

from perf_pipeline.config.check_names import subjects_of
from perf_pipeline.config.profile import Profile


def left_out_asset(why: str) -> dg.MaterializeResult:
    """Show that nothing was measured, and let the assets downstream run."""
    return dg.MaterializeResult(
        metadata={"status": dg.MetadataValue.text("left out"), "why": dg.MetadataValue.text(why)}
    )


def left_out_checks(
    benchmark: str, profile: Profile, wanted: Iterable[str], why: str
) -> Iterator[dg.AssetCheckResult]:
    """Show each threshold of the profile as a warning, because it was not judged."""
    names = subjects_of(benchmark, [profile])
    for name in wanted:
        if name in names:
            yield dg.AssetCheckResult(
                check_name=name,
                asset_key=dg.AssetKey(benchmark),
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"not judged: {why}",
                metadata={"status": dg.MetadataValue.text("LEFT_OUT")},
            )
