"""Files that a profile is, or that it names: damaged TOML and CSV.

Add here: another kind of file that a profile names. Keep out: odd values in a readable profile
(profile_fuzz.py).
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from perf_pipeline.config.loading import SHIPPED, load_profile, shipped_file, validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline_tests.fuzz.odd_bytes import damaged
from perf_pipeline_tests.fuzz.profile_fuzz import TEXTS

OWN: Final = """
name = "own"
[benchmarks.own.scenarios.s]
exec = "http_steps"
executor = "constant-vus"
vus = 2
duration = "2s"
env = { PLACE = "here" }
[benchmarks.own.scenarios.s.parameters]
thinkTime = "1s..2s"
data.users = { csv = "users.csv", pick = "unique per vu" }
[[benchmarks.own.scenarios.s.parameters.steps]]
name = "get"
path = '/x/${data.users.name}'
query = { town = "${data.users.town}" }
headers = { "X-Name" = "${data.users.name}" }
expect = { status = 200, json = { "$.a" = 1 } }
save = { id = '$.id' }
[benchmarks.own.thresholds]
http_req_failed = ["rate<0.01"]
"""
_ROWS: Final = 'name,town\nAnn,Oslo\n"Bo, junior","New\nYork"\nÇelik,İzmir\n'.encode()


def whole_case(folder: Path) -> Callable[[], Profile]:
    """Give the loading of the profile and the rows that the others damage."""
    return _loading(folder, OWN.encode(), _ROWS)


def toml_case(chance: random.Random, folder: Path) -> Callable[[], object]:
    """Give the loading of a damaged profile."""
    name = chance.choice((*SHIPPED, "own"))
    data = OWN.encode() if name == "own" else shipped_file(name).read_bytes()
    return _loading(folder, damaged(chance, data), _ROWS)


def csv_case(chance: random.Random, folder: Path) -> Callable[[], object]:
    """Give the loading of a profile whose rows are damaged, or whose file has an odd name."""
    profile = OWN
    if chance.random() < 0.2:
        odd = json.dumps(chance.choice(TEXTS).encode("utf-8", "replace").decode())
        profile = OWN.replace('"users.csv"', odd)
    return _loading(folder, profile.encode(), damaged(chance, _ROWS))


def _loading(folder: Path, profile: bytes, rows: bytes) -> Callable[[], Profile]:
    def load() -> Profile:
        (folder / "users.csv").write_bytes(rows)
        path = folder / "fuzz.toml"
        path.write_bytes(profile)
        loaded = load_profile(str(path), environment={})
        again = validate_profile(json.loads(loaded.as_json), "again")
        assert again.config_hash == loaded.config_hash, "the stored profile reads differently"
        return loaded

    return load
