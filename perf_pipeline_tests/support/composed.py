"""Benchmarks that a description of an API is made into, without a file or a server.

Add here: another way to begin from a table. Keep out: a whole description (described_shop.py).
"""

import json
from typing import Any, Final

from perf_pipeline.new_project.draft import DraftBenchmark
from perf_pipeline.new_project.from_openapi import Composer
from perf_pipeline.new_project.loads import FirstLoad
from perf_pipeline.new_project.openapi_document import read_description
from perf_pipeline.new_project.secret_names import SecretVariables

OK: Final = {"200": {"description": ""}}


def composed(raw: Any) -> tuple[dict[str, DraftBenchmark], Composer]:
    """Make the benchmarks of a description, by name, and return what made them."""
    description = read_description(json.dumps(raw), "api.json")
    composer = Composer(description, SecretVariables("SHOP"), FirstLoad())
    return {benchmark.name: benchmark for benchmark in composer.benchmarks()}, composer


def described(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Describe an API of these paths."""
    return {"openapi": "3.0.3", "info": {"title": "", "version": ""}, "paths": paths, **more}
