"""Link a benchmark's asset to its definition in profiles, and to the documentation.

Add here: another place that describes what an asset does. Keep out: what assets measure. Dagster
concept: code references, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

import inspect
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import dagster as dg

from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.config.loading import SHIPPED, shipped_file
from perf_pipeline.config.profile import Profile

DOCS_VARIABLE: Final = "PERF_DOCS_URL"
_KEY: Final = "dagster/code_references"
_PAGES: Final[Mapping[str, str]] = {
    "seeded_users": "profiles",
    "threshold_checks": "thresholds",
    "confirmation": "statistics",
    "baseline_diff": "statistics",
    "bottlenecks": "bottlenecks",
    "report": "report",
}
"""The page of docs/ that explains an asset; that of a benchmark is `profiles`."""


@dataclass(frozen=True, slots=True)
class _Written:
    """Hold a profile with its text.

    Attributes:
        profile: the profile.
        path: the path of its file.
        lines: the lines of the file.
    """

    profile: Profile
    path: Path
    lines: Sequence[str]

    def reference(self, benchmark: str) -> dg.LocalFileCodeReference:
        """Refer to the first line that opens a table of the benchmark, or else to the top."""
        opens = re.compile(rf"""\s*\[+benchmarks\.["']?{re.escape(benchmark)}["']?[.\]]""")
        number = next((place for place, line in enumerate(self.lines, 1) if opens.match(line)), 1)
        return dg.LocalFileCodeReference(
            file_path=str(self.path), line_number=number, label=f"profile {self.profile.name}"
        )


def with_references(
    assets: Sequence[dg.AssetsDefinition], given: Sequence[GivenProfile]
) -> list[dg.AssetsDefinition]:
    """Give every asset its references: lines of profiles, or its code, and its documentation.

    Args:
        assets: the assets of a code location.
        given: the profiles that they are made from.
    """
    written = [_written(entry) for entry in given]
    with warnings.catch_warnings():
        # The lock file pins a release in which code references work as they are used here.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [
            definition.map_asset_specs(partial(_with_places, definition, written))
            for definition in assets
        ]


def _written(entry: GivenProfile) -> _Written:
    path = shipped_file(entry.source) if entry.source in SHIPPED else Path(entry.source)
    return _Written(entry.profile, path, path.read_text(encoding="utf-8").splitlines())


def _with_places(
    definition: dg.AssetsDefinition, written: Sequence[_Written], spec: dg.AssetSpec
) -> dg.AssetSpec:
    name = spec.key.path[-1]
    lines = [file.reference(name) for file in written if name in file.profile.benchmarks]
    code = dg.CodeReferencesMetadataValue(code_references=lines or [_function(definition)])
    found: dict[str, Any] = {_KEY: code}
    if base := os.environ.get(DOCS_VARIABLE, "").rstrip("/"):
        page = _PAGES.get(name, "profiles")
        found["documentation"] = dg.MetadataValue.url(f"{base}/{page}.html")
    return spec.merge_attributes(metadata=found)


def _function(definition: dg.AssetsDefinition) -> dg.LocalFileCodeReference:
    """Refer to the function that materialises an asset."""
    decorated: Any = definition.op.compute_fn
    code = inspect.unwrap(getattr(decorated, "decorated_fn", decorated)).__code__
    return dg.LocalFileCodeReference(
        file_path=code.co_filename, line_number=code.co_firstlineno, label="code"
    )
