"""Whose history a job begins with, and who may begin with its own."""

import pytest

from perf_pipeline.ci.kept_history import as_outputs, kept_history
from perf_pipeline.errors import RequestError

PUSH = {"GITHUB_REF_NAME": "main", "GITHUB_RUN_ID": "41", "GITHUB_RUN_ATTEMPT": "2"}
PULL = {**PUSH, "GITHUB_REF_NAME": "7/merge", "GITHUB_BASE_REF": "release/1"}


def test_a_branch_keeps_its_own_history_and_begins_with_it() -> None:
    kept = kept_history("orders", {**PUSH, "GITHUB_EVENT_NAME": "push"}, "main")

    assert kept.read == ("orders/main/",)
    assert kept.key == "orders/main/41-2"
    assert kept.is_kept


def test_a_pull_request_reads_its_base_and_keeps_nothing() -> None:
    kept = kept_history("orders", {**PULL, "GITHUB_EVENT_NAME": "pull_request"}, "main")

    # Not its own earlier runs: a change would be compared with itself.
    assert kept.read == ("orders/release%2F1/", "orders/main/")
    assert not kept.is_kept


def test_no_branch_begins_with_the_history_of_one_whose_name_only_begins_alike() -> None:
    [main] = kept_history("perf", PUSH, "").read
    names = ["main-2", "main/2", "main,2", "mainline"]
    keys = [kept_history("perf", {**PUSH, "GITHUB_REF_NAME": name}, "").key for name in names]

    assert [key for key in keys if key.startswith(main)] == []
    assert [key for key in keys if "," in key] == []  # GitHub refuses such keys


def test_outputs_are_those_of_a_step() -> None:
    kept = kept_history("orders", {**PULL, "GITHUB_EVENT_NAME": "pull_request"}, "main")

    assert as_outputs(kept).splitlines() == [
        "key=orders/7%2Fmerge/41-2",
        "kept=false",
        "read<<end-of-read",
        "orders/release%2F1/",
        "orders/main/",
        "end-of-read",
    ]


def test_elsewhere_there_is_no_such_name() -> None:
    with pytest.raises(RequestError, match="not a job of GitHub Actions"):
        kept_history("orders", {}, "main")
