"""The first cases of `make fuzz`, always the same ones of each kind, on whatever machine."""

import pickle
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FunctionType

import pytest

from perf_pipeline_tests.fuzz.cases import KINDS, Case, cases, failure_of, main
from perf_pipeline_tests.fuzz.files_fuzz import whole_case

SEED = 9
# As many as a busy machine tried in 1 to 5 s of each kind; together six seconds of CPU.
TRIED = {"profile": 400, "toml": 400, "csv": 150, "target": 50, "command": 600, "spool": 1_800}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_given_ends_in_a_sentence(kind: str, tmp_path: Path) -> None:
    for number, case in islice(cases(SEED, tmp_path, kind), TRIED[kind]):
        assert failure_of(case) is None, f"case {number} of seed {SEED}, kind {kind}"


def inputs(seed: int, folder: Path) -> Iterator[tuple[str, str, frozenset[tuple[str, bytes]]]]:
    """Give of each case its kind, what it was given, and the files that it is about."""
    for _, case in cases(seed, folder):
        found = [path for path in folder.rglob("*") if path.is_file()]
        files = frozenset((str(path.relative_to(folder)), path.read_bytes()) for path in found)
        yield case.__qualname__, told(case), files


def told(value: object) -> str:
    """Write down a value, however deep, and what a function holds; integers of any length too."""
    written, waiting = list[str](), [value]
    while waiting:
        match waiting.pop():
            case FunctionType() as function:
                written.append(function.__qualname__)
                waiting += [cell.cell_contents for cell in function.__closure__ or ()]
            case dict() as table:
                written.append(f"{{{len(table)}")
                waiting += [part for pair in table.items() for part in pair]
            case list() | tuple() as values:
                written.append(f"[{len(values)}")
                waiting += values
            case single:
                written.append(pickle.dumps(single).hex())
    return " ".join(written)


def test_files_that_nobody_damaged_are_read(tmp_path: Path) -> None:
    profile = whole_case(tmp_path)()

    assert (profile.name, profile.benchmark_names) == ("own", ["own"])


def test_the_same_seed_gives_the_same_cases(tmp_path: Path) -> None:
    drawn = list(islice(inputs(SEED, tmp_path), 60))

    assert drawn == list(islice(inputs(SEED, tmp_path), 60))
    assert len({kind for kind, *_ in drawn}) >= 5
    # What is drawn differs as well, and from seed to seed.
    assert len({(told, files) for _, told, files in drawn}) > 50
    other = islice(inputs(SEED + 1, tmp_path), 60)
    assert sum(first == two for first, two in zip(drawn, other, strict=True)) < 10


def test_an_error_that_is_no_sentence_is_found() -> None:
    def broken() -> None:
        raise RecursionError("deep")

    assert "RecursionError: deep" in (failure_of(broken) or "")


def test_ctrl_c_ends_it_with_the_number_of_cases_that_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The third case is cut off, so that nobody knows how it would have ended."""
    tried: list[Case] = []

    def interrupted(case: Case) -> str | None:
        tried.append(case)
        if len(tried) == 3:
            raise KeyboardInterrupt
        return None

    monkeypatch.setattr("perf_pipeline_tests.fuzz.cases.failure_of", interrupted)

    assert main(SEED, None, "profile") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 cases in ")
