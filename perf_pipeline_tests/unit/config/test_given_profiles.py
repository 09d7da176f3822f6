"""Profiles that a code location is given: names, files and folders, and the benchmarks in them."""

import os
from pathlib import Path

import pytest

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.config.given_profiles import (
    benchmarks_of,
    given_profiles,
    named_in,
)
from perf_pipeline.config.loading import SHIPPED, load_profile
from perf_pipeline.config.needed_parts import draws_users
from perf_pipeline.errors import ProfileError

OWN = """
name = "{name}"
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:8080"
[benchmarks.{benchmark}]
assetGroup = "shop"
description = "People look and buy."
[benchmarks.{benchmark}.scenarios.visits]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
parameters = {{ steps = [{{ name = "home", path = "/" }}] }}
"""


def own(path: Path, name: str = "shop", benchmark: str = "checkout") -> Path:
    path.write_text(OWN.format(name=name, benchmark=benchmark))
    return path


def test_the_shipped_profiles_are_given_where_the_variable_names_none() -> None:
    assert named_in({}) == list(SHIPPED)
    assert named_in({"PERF_PROFILES": " "}) == list(SHIPPED)
    assert named_in({"PERF_PROFILES": os.pathsep.join(["quick", "/a b", ""])}) == ["quick", "/a b"]


def test_a_folder_gives_its_files_by_name_and_a_file_counts_once(tmp_path: Path) -> None:
    second, first = own(tmp_path / "b.toml", "late"), own(tmp_path / "a.toml", "early")
    (tmp_path / "notes.txt").write_text("no profile")
    for name in ("pyproject.toml", "._a.toml"):  # of the project that `init` wrote; of macOS
        (tmp_path / name).write_text("[project]")

    found = given_profiles(["quick", tmp_path, first])

    assert [source.source for source in found] == ["quick", str(first), str(second)]
    assert [source.profile.name for source in found] == ["quick", "early", "late"]


def test_relative_paths_start_from_the_given_folder(tmp_path: Path) -> None:
    own(tmp_path / "a.toml")

    [found] = given_profiles(["a.toml"], folder=tmp_path)

    assert found.source == str(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        ([], "there are none; name a profile, a file or a folder"),
        (["empty"], "this folder contains no file that ends in .toml"),
        (
            ["quik"],
            "there is no shipped profile of this name; choose one of quick, ci, full, weekly, soak",
        ),
        (["no.toml"], "No such file"),
        (["a.toml", "twin.toml"], "its name is shop, which is also the name of {folder}/a.toml"),
    ],
    ids=["none", "an empty folder", "a typo", "an absent file", "two of one name"],
)
def test_what_cannot_be_given_is_told_in_a_sentence(
    sources: list[str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    own(tmp_path / "a.toml")
    own(tmp_path / "twin.toml")

    with pytest.raises(ProfileError) as caught:
        given_profiles(sources, folder=tmp_path)

    assert sentence.format(folder=tmp_path) in str(caught.value)


def test_a_secret_that_only_a_run_needs_may_be_absent_where_the_graph_is_shown(
    tmp_path: Path,
) -> None:
    path = own(tmp_path / "a.toml")
    step = '{ name = "home", path = "/", headers = { "X-Key" = "${env.SHOP_KEY}" } }'
    path.write_text(path.read_text().replace('{ name = "home", path = "/" }', step))

    [found] = given_profiles([path])

    assert found.profile.name == "shop"
    with pytest.raises(ProfileError, match="SHOP_KEY"):
        load_profile(str(path), environment={})


def test_an_override_is_laid_over_each_profile(tmp_path: Path) -> None:
    with pytest.raises(
        ProfileError, match="target is 'staging'; the targets of this profile are local, here"
    ):
        given_profiles([own(tmp_path / "a.toml")], {"target": "staging"})


def test_benchmarks_of_one_s_own_come_after_the_shipped_ones_with_the_profile_s_words(
    tmp_path: Path,
) -> None:
    given = given_profiles([own(tmp_path / "a.toml"), own(tmp_path / "b.toml", "b", "search")])
    quick = load_profile("quick")

    alone = benchmarks_of(source.profile for source in given)
    beside = benchmarks_of([*(source.profile for source in given), quick])

    assert [benchmark.name for benchmark in alone] == ["checkout", "search"]
    assert [benchmark.after for benchmark in alone] == ["", "checkout"]
    assert [benchmark.name for benchmark in beside] == [*NAMES, "checkout", "search"]
    assert (alone[0].group, alone[0].description) == ("shop", "People look and buy.")


def test_only_who_reads_changes_or_deletes_users_needs_them(tmp_path: Path) -> None:
    [shop] = given_profiles([own(tmp_path / "a.toml")])
    quick = load_profile("quick")

    assert not draws_users(shop.profile, "checkout")
    assert draws_users(quick, "api_mixed_operations")
    assert not draws_users(quick, "api_user_creation")


def test_words_for_the_asset_change_no_hash_of_the_load(tmp_path: Path) -> None:
    path = own(tmp_path / "a.toml")
    worded = load_profile(str(path))
    plain = path.read_text().replace('assetGroup = "shop"\n', "")
    path.write_text(plain.replace('description = "People look and buy."\n', ""))

    assert load_profile(str(path)).load_hash("checkout") == worded.load_hash("checkout")
    assert "assetGroup" not in load_profile(str(path)).as_json
