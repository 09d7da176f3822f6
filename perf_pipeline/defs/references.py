"""Where an asset of a benchmark is written down: in profiles, and in the documentation.

Add here: another place where people read what an asset does. Keep out: what assets measure.
Dagster concept: code references, https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

import inspect
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

import dagster as dg

from perf_pipeline.config.given_profiles import GivenProfile
from perf_pipeline.config.loading import SHIPPED

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


def with_references(
    assets: Sequence[dg.AssetsDefinition], given: Sequence[GivenProfile]
) -> list[dg.AssetsDefinition]:
    """Give every asset its places: the lines of profiles, or its code, and its documentation.

    Args:
        assets: of a code location.
        given: the profiles that they are made from.
    """
    with warnings.catch_warnings():
        # The lock pins the release in which code references are as they are used here.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [
            definition.map_asset_specs(partial(_with_places, definition, given))
            for definition in assets
        ]


def _with_places(
    definition: dg.AssetsDefinition, given: Sequence[GivenProfile], spec: dg.AssetSpec
) -> dg.AssetSpec:
    name = spec.key.path[-1]
    lines = [_line(name, entry) for entry in given if name in entry.profile.benchmarks]
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


def _line(name: str, entry: GivenProfile) -> dg.LocalFileCodeReference:
    """Refer to the first line of a profile that opens a table of the benchmark, else to its top."""
    path = _file(entry.source)
    opens = re.compile(rf"""\s*\[+benchmarks\.["']?{re.escape(name)}["']?[.\]]""")
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next((place for place, line in enumerate(lines, 1) if opens.match(line)), 1)
    return dg.LocalFileCodeReference(
        file_path=str(path), line_number=number, label=f"profile {entry.profile.name}"
    )


def _file(source: str) -> Path:
    if source in SHIPPED:
        return Path(str(resources.files("perf_pipeline") / "profiles" / f"{source}.toml"))
    return Path(source)
