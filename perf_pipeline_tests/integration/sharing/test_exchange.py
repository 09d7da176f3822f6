"""Runs go to a team's place and come from it: whole, once, and never over another run."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.sharing import of_releases
from perf_pipeline.store.bundles.parts import RAW
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.removal import remove_runs
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.histories.judged_runs import add_judged, add_sampled, rows_of
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import observe
from perf_pipeline_tests.support.histories.synthetic_history import API, Made, add_runs, api_runs

PULL = {"branch": "slow", "pull_request": "7", "base": "main"}


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give a history with a run that has samples, and two that are made up."""
    folder = tmp_path_factory.mktemp("anna")
    add_sampled(folder)
    add_judged(folder, api_runs(80.0, 81.0))
    return CommandLine(folder)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Hold a place to which she pushed, and a history that was pulled from it."""

    place: Path
    pushed: Answer
    pulled: Answer
    ben: CommandLine


@pytest.fixture(scope="module")
def exchanged(anna: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Exchanged:
    """Push and pull once; nobody changes what is there."""
    folder = tmp_path_factory.mktemp("exchanged")
    place, ben = folder / "place", CommandLine(folder / "ben")
    return Exchanged(place, anna.here("push", str(place)), ben.here("pull", str(place)), ben)


@pytest.fixture
def place(exchanged: Exchanged, tmp_path: Path) -> str:
    """Give a copy of the place to which she pushed."""
    return str(shutil.copytree(exchanged.place, tmp_path / "place"))


@pytest.fixture
def ben(exchanged: Exchanged, tmp_path: Path) -> CommandLine:
    """Give a copy of the history that was pulled from it."""
    return CommandLine(Path(shutil.copytree(exchanged.ben.state, tmp_path / "ben")))


def test_what_is_pulled_has_every_row_that_was_pushed_but_for_samples(
    anna: CommandLine, exchanged: Exchanged
) -> None:
    place, pushed, pulled = exchanged.place, exchanged.pushed, exchanged.pulled

    assert (pushed.code, pushed.out) == (
        0,
        f"pushed 3 runs to {place}; 0 were there already\n",
    )
    assert (pulled.code, pulled.out) == (
        0,
        f"pulled 3 runs from {place}; 0 were there already\n",
    )
    for run_id in ("r1", "r002", "r003"):
        hers, his = rows_of(anna.state, run_id), rows_of(exchanged.ben.state, run_id)
        for table in RAW:
            assert his.pop(table) == []
            hers.pop(table)
        assert his == hers


def test_figures_without_samples_come_from_the_histograms(exchanged: Exchanged) -> None:
    # create_user took 10, 20, 30 and 100 ms in the measured phase; get_user 1 and 3 ms.
    with history_at(exchanged.ben.state / "history.duckdb") as history:
        key = RunKey("r1", "api")
        assert observe(history, "http_req_duration", "max<1", key) == 100.0
        assert observe(history, "http_reqs", "count<1", key) == 6
        assert observe(history, "http_req_duration", "p(100)<1", key) == pytest.approx(
            100.0, rel=0.01
        )


def test_samples_travel_when_they_are_asked_for(
    anna: CommandLine, exchanged: Exchanged, place: str, tmp_path: Path
) -> None:
    ben = CommandLine(tmp_path / "ben")
    pushed = anna.here("push", place, "--samples")
    again = anna.here("push", place, "--samples")
    ben.here("pull", place, "--samples")

    assert exchanged.pushed.out.startswith("pushed 3 runs")
    assert pushed.out == f"pushed 1 run to {place}; 2 were there already\n"
    assert again.out == f"pushed 0 runs to {place}; 3 were there already\n"
    assert rows_of(ben.state, "r1") == rows_of(anna.state, "r1")
    assert ben.value("select raw_kept from benchmarks where run_id = 'r1'")


def test_a_second_time_nothing_moves(
    anna: CommandLine, ben: CommandLine, place: str, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "place").rglob("*.*")}
    answers = [anna.here("push", place), ben.here("pull", place), ben.here("sync", place)]
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "place").rglob("*.*")}

    pushed_none = f"pushed 0 runs to {place}; 3 were there already\n"
    pulled_none = f"pulled 0 runs from {place}; 3 were there already\n"
    assert [answer.out for answer in answers] == [
        pushed_none,
        pulled_none,
        f"{pulled_none}{pushed_none}",
    ]
    assert after == before


def test_a_run_with_other_content_is_told_and_overwritten_nowhere(
    place: str, tmp_path: Path
) -> None:
    ben = CommandLine(tmp_path / "ben")
    add_judged(ben.state, [Made({API: 99.0}, run_id="r002")])
    pushed, pulled = ben.here("push", place), ben.here("pull", place)

    assert (pushed.code, pulled.code) == (97, 97)
    assert "run r002 was not pushed: " in pushed.err
    assert "has it with other content (" in pushed.err
    assert "run r002 was not pulled: it is here with other content than in " in pulled.err
    assert "nothing was overwritten" in pulled.err
    assert pulled.out == f"pulled 2 runs from {place}; 0 were there already\n"
    assert ben.value("select p95 from summaries where run_id = 'r002'") == 99.0
    assert len([*(tmp_path / "place" / "runs").glob("*.r002.*")]) == 1


def test_a_run_that_is_there_twice_with_different_contents_is_not_pulled(
    place: str, tmp_path: Path
) -> None:
    other = str(tmp_path / "other")
    cara, ben = CommandLine(tmp_path / "cara"), CommandLine(tmp_path / "ben")
    add_judged(cara.state, [Made({API: 99.0}, run_id="r002")])
    cara.here("push", other)
    # As two machines leave it that pushed in the same moment.
    for path in (tmp_path / "other").rglob("*.*"):
        into = tmp_path / "place" / path.relative_to(tmp_path / "other")
        into.parent.mkdir(exist_ok=True)
        into.write_bytes(path.read_bytes())
    pulled = ben.here("pull", place)

    assert pulled.code == 97
    assert "run r002 was not pulled: " in pulled.err
    assert "has it with different contents (" in pulled.err
    assert "remove the manifest of the wrong one from runs/" in pulled.err
    assert ben.sql("select run_id from runs order by 1") == [("r003",), ("r1",)]


def test_only_judged_runs_are_pushed_and_the_others_are_told(tmp_path: Path) -> None:
    anna, place = CommandLine(tmp_path / "anna"), str(tmp_path / "place")
    add_runs(anna.state, api_runs(80.0))
    pushed = anna.here("push", place)
    anna.here("judge", "r001", "--quiet")
    again = anna.here("push", place)

    assert pushed.code == 0
    assert pushed.out == (
        f"pushed 0 runs to {place}; 0 were there already\n"
        "1 run not judged yet (`perf-pipeline judge RUN` does it): r001\n"
    )
    assert again.out == f"pushed 1 run to {place}; 0 were there already\n"


def test_a_run_that_was_removed_comes_back_only_by_its_name(
    anna: CommandLine, ben: CommandLine, place: str
) -> None:
    with history_at(ben.state / "history.duckdb") as history:
        remove_runs(history, ["r002"])
    left = ben.here("pull", place)
    there = ben.sql("select run_id from runs order by 1")
    ben.here("pull", place, "--run", "r002")
    anna_again = anna.here("push", place)

    assert left.code == 0
    assert "1 run removed here before (name a run, and it comes back): r002" in left.out
    assert there == [("r003",), ("r1",)]
    assert ben.value("select count(*) from summaries where run_id = 'r002'") == 1
    assert "3 were there already" in anna_again.out


def test_the_newest_runs_of_a_place_can_be_pulled_alone(
    anna: CommandLine, place: str, tmp_path: Path
) -> None:
    ben = CommandLine(tmp_path / "ben")
    pulled = ben.here("pull", place, "--newest", "1")

    assert pulled.out.startswith(f"pulled 1 run from {place}; 0 were there already\n")
    assert "2 runs older than the newest that you asked for: " in pulled.out
    assert ben.value("select began_at from runs") == anna.value("select max(began_at) from runs")


def test_pins_and_acceptances_travel_and_keep_their_order(
    anna: CommandLine, ben: CommandLine, place: str
) -> None:
    anna.here("baseline", "pin", "r002", "--name", "v1", "--reason", "release")
    first = anna.here("push", place)
    ben.here("pull", place)
    ben.here("baseline", "unpin", "v1", "--reason", "gone")
    ben.here("push", place)
    second = anna.here("pull", place)
    decided = "select action, name, run_id from baselines order by made_at"

    assert "pushed 0 runs and 1 decision to" in first.out
    assert "pulled 0 runs and 1 decision from" in second.out
    assert anna.sql(decided) == [("pinned", "v1", "r002"), ("unpinned", "v1", "r002")]
    assert ben.sql(decided) == anna.sql(decided)
    assert "gone" in anna.here("baseline", "list").out
    assert anna.here("baseline", "list").out == ben.here("baseline", "list").out


def test_a_pinned_release_comes_with_the_newest_runs_and_its_absence_is_told(
    anna: CommandLine, place: str, tmp_path: Path
) -> None:
    carl = CommandLine(Path(shutil.copytree(anna.state, tmp_path / "carl")))
    carl.here("baseline", "pin", "r002", "--name", "v1", "--reason", "release")
    carl.here("push", place)
    ben, dora = CommandLine(tmp_path / "ben"), CommandLine(tmp_path / "dora")

    pulled = ben.here("pull", place, "--newest", "1")
    dora.here("pull", place, "--run", "r1")

    # By their dates: r002, r003, r1.
    assert ben.sql("select run_id from runs order by 1") == [("r002",), ("r1",)]
    assert "1 run older than the newest that you asked for: r003" in pulled.out
    told = "pinned release v1 is run r002, which is not in this history, so"
    assert told in " ".join(dora.here("report", "r1").out.split())
    assert told not in " ".join(ben.here("report", "r1").out.split())


def test_a_release_rests_on_as_many_runs_of_its_profile_and_branch_in_a_mixed_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_releases, "OF_A_RELEASE", 2)
    quick = Made({API: 80.0})
    others = [replace(quick, profile=load_profile("full")), replace(quick, revision=PULL)]
    anna, ben = CommandLine(tmp_path / "anna"), CommandLine(tmp_path / "ben")
    add_judged(anna.state, [quick, quick, *others, quick, *others])  # r005 is the release
    anna.here("baseline", "pin", "r005", "--name", "v1", "--reason", "release")
    anna.here("push", str(tmp_path / "place"))

    ben.here("pull", str(tmp_path / "place"), "--newest", "1")

    assert ben.sql("select run_id from runs order by 1") == [("r002",), ("r005",), ("r007",)]
    for run_id in ("r002", "r005", "r007"):  # nothing is read of what is here
        [manifest] = (tmp_path / "place" / "runs").glob(f"*.{run_id}.*")
        manifest.write_text("")
    again = ben.here("pull", str(tmp_path / "place"), "--newest", "1")
    assert again.out.startswith(f"pulled 0 runs from {tmp_path / 'place'}; 3 were there already\n")


def test_a_run_of_the_past_takes_the_place_that_its_date_asks_for(
    place: str, tmp_path: Path
) -> None:
    ben = CommandLine(tmp_path / "ben")
    add_judged(ben.state, [Made({API: 80.0}, run_id="his")])  # dated an hour before r002
    ben.here("pull", place)
    listed = ben.here("list", "--json").out

    assert listed.index('"r003"') < listed.index('"r002"') < listed.index('"his"')
