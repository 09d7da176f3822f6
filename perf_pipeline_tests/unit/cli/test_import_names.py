"""What `import` offers without importing the packages that read files is what they have."""

from perf_pipeline.cli.imports import RUNNER_VARIABLE, TOOL_NAMES
from perf_pipeline.importing.tools import TOOLS
from perf_pipeline.loading import environment


def test_import_offers_every_tool_that_can_be_read() -> None:
    assert tuple(TOOLS) == TOOL_NAMES


def test_a_run_and_an_import_take_the_class_of_the_machine_from_the_same_variable() -> None:
    assert environment.RUNNER_VARIABLE == RUNNER_VARIABLE
