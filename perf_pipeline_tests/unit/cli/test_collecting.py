"""How often garbage is looked for while a command looks back."""

import gc

import pytest

from perf_pipeline.cli.collecting import collects_rarely


def test_a_command_collects_rarely_and_leaves_things_as_they_were() -> None:
    usual = gc.get_threshold()

    @collects_rarely
    def command() -> int:
        return gc.get_threshold()[0]

    assert command() == 1_000_000
    assert gc.get_threshold() == usual


def test_a_command_that_fails_leaves_things_as_they_were() -> None:
    usual = gc.get_threshold()

    @collects_rarely
    def command() -> None:
        raise SystemExit(99)

    with pytest.raises(SystemExit):
        command()
    assert gc.get_threshold() == usual


def test_what_a_command_left_is_not_looked_at_as_it_ends() -> None:
    looks: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        looks.append(phase)

    @collects_rarely
    def command() -> list[list[int]]:
        gc.callbacks.append(note)
        return [[number] for number in range(10 * gc.get_count()[0] + 10_000)]

    try:
        assert command()
        more = [[number] for number in range(100)]
    finally:
        gc.callbacks.remove(note)

    assert len(more) == 100
    assert looks == []
