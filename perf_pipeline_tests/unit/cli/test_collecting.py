"""How often garbage is looked for while a command looks back."""

import gc

import pytest

from perf_pipeline.cli.collecting import collects_rarely


def test_a_command_collects_rarely_and_leaves_things_as_they_were() -> None:
    usual = gc.get_threshold()

    @collects_rarely
    def command() -> int:
        return gc.get_threshold()[0]

    assert command() == 100_000
    assert gc.get_threshold() == usual


def test_a_command_that_fails_leaves_things_as_they_were() -> None:
    usual = gc.get_threshold()

    @collects_rarely
    def command() -> None:
        raise SystemExit(99)

    with pytest.raises(SystemExit):
        command()
    assert gc.get_threshold() == usual
