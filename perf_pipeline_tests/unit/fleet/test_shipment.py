"""Which files go to a host, where they are there, and that each of them goes once."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.errors import ScenarioError
from perf_pipeline.fleet.kept_files import KeptFiles
from perf_pipeline.fleet.shipment import Shipment

THERE = "/tmp/there"


def job(parameters: dict[str, Any], executor: dict[str, Any] | None = None) -> dict[str, Any]:
    scenario = {"name": "s", "executor": executor or {}, "parameters": parameters}
    return {"folder": "/state/spool/run/b", "step": "1", "scenarios": [scenario]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "project"
    for name in (
        "flows.py",
        "shop/cart.py",
        "people.csv",
        "unused.csv",
        ".git/hook.py",
        "env/lib/x.py",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "env" / "pyvenv.cfg").touch()
    (tmp_path / "outside.txt").write_text("not for anybody")
    return home


def test_modules_and_the_files_that_parameters_name_go_to_a_host(folder: Path) -> None:
    own = {"path": ".", "data": {"people": {"csv": "people.csv"}}}
    shipment = Shipment()
    fitted = shipment.fitted(job({"folder": str(folder), "own": own}), THERE)

    (scenario,) = fitted["scenarios"]
    assert fitted["folder"] == f"{THERE}/spool"
    assert scenario["parameters"] == {"folder": f"{THERE}/files/own", "own": own}
    assert {place: path.read_text() for place, path in shipment.files.items()} == {
        f"files/own/{name}": name for name in ("flows.py", "shop/cart.py", "people.csv")
    }


def test_a_link_in_the_profiles_folder_goes_under_its_own_name(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "today.csv").symlink_to("people.csv")
    (folder / "theirs.csv").symlink_to(tmp_path / "outside.txt")
    shipment = Shipment()
    own = {"data": {"people": {"csv": "today.csv"}}}
    shipment.fitted(job({"folder": str(folder), "own": own}), THERE)

    assert {place: path.read_text() for place, path in shipment.files.items()} == {
        "files/own/today.csv": "people.csv"
    }
    with pytest.raises(ScenarioError, match=r"'theirs\.csv' is outside the folder"):
        Shipment().fitted(job({"folder": str(folder), "own": {"csv": "theirs.csv"}}), THERE)


def test_files_of_the_run_get_a_place_beside(tmp_path: Path) -> None:
    ids, log = tmp_path / "ids.txt", tmp_path / "access.log"
    ids.write_text("1\n")
    log.write_text("GET /\n")
    shipment = Shipment()
    given = {"ids_file": str(ids), "ids_files": {"reads": str(ids)}, "replay": {"log": str(log)}}
    (scenario,) = shipment.fitted(job(given, {"log": str(log)}), THERE)["scenarios"]

    moved = scenario["parameters"]
    assert moved["ids_file"] == moved["ids_files"]["reads"]
    assert moved["replay"]["log"] == scenario["executor"]["log"]
    assert set(shipment.files.values()) == {ids, log}
    assert {f"{THERE}/{place}" for place in shipment.files} == {
        moved["ids_file"],
        moved["replay"]["log"],
    }


def test_what_is_outside_the_profiles_folder_goes_nowhere(folder: Path) -> None:
    given = {"folder": str(folder), "own": {"data": {"x": {"csv": "../outside.txt"}}}}
    with pytest.raises(ScenarioError, match=r"'\.\./outside\.txt' is outside the folder"):
        Shipment().fitted(job(given), THERE)


def test_a_file_comes_once_and_a_damaged_one_again(tmp_path: Path) -> None:
    text = hashlib.sha256(b"people").hexdigest()
    kept = KeptFiles(tmp_path / "kept")
    assert kept.lacking([text]) == [text]
    for data in (b"peo", b"ple", b""):
        kept.take(text, data)
    assert KeptFiles(tmp_path / "kept").lacking([text]) == []
    kept.lay_out(tmp_path / "out", {"files/own/people.csv": text})
    assert (tmp_path / "out/files/own/people.csv").read_bytes() == b"people"

    (tmp_path / "kept" / text).write_bytes(b"peoplE")
    assert kept.lacking([text]) == [text]


def test_a_file_that_is_not_what_its_hash_says_is_not_kept(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept")
    text = hashlib.sha256(b"people").hexdigest()
    kept.take(text, b"others")
    with pytest.raises(ValueError, match=f"a file arrived that is not {text[:12]}"):
        kept.take(text, b"")

    assert kept.lacking([text]) == [text]
    with pytest.raises(ValueError, match="is outside the folder"):
        kept.lay_out(tmp_path / "out", {"../x": text})
    with pytest.raises(ValueError, match="is no SHA-256"):
        kept.take("../../x", b"")
