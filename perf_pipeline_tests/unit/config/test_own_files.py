"""What own scenarios need beside the profile: files, modules and variables that are not there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

Table = dict[str, Any]
STEP: Table = {"name": "home", "path": "/"}
PLAN: Table = {"executor": "constant-vus", "vus": 5, "duration": "10s"}


def scenario(*steps: Table, **parameters: Any) -> Table:
    return {**PLAN, "exec": "http_steps", "parameters": {"steps": list(steps), **parameters}}


def loaded(
    folder: Path, scenarios: Table, environment: Mapping[str, str] | None = None
) -> Profile | list[str]:
    """Load a profile from a file, as a run does; give it, or its mistakes."""
    lines = [
        f"benchmarks.shop.scenarios.{name}.{key} = {_toml(value)}"
        for name, table in scenarios.items()
        for key, value in table.items()
    ]
    file = folder / "own.toml"
    file.write_text("\n".join(['name = "own"', *lines]), encoding="utf-8")
    try:
        return load_profile(str(file), environment=environment or {})
    except ProfileError as error:
        return [problem.removeprefix("benchmarks.shop.scenarios.s.") for problem in error.problems]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {_toml(part)}' for key, part in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


CSV = "email,age\na@example.org,30\nb@example.org,x31\n"


@pytest.mark.parametrize(
    ("text", "data", "sentence"),
    [
        ("${data.users.email}", {"csv": "none.csv"}, "none.csv can't be read"),
        ("${data.users.name}", {"csv": "u.csv"}, "no column 'name'; its columns are email, age"),
        (
            "${data.users.email}",
            {"csv": "empty.csv"},
            "has no rows below its header line; add at least one",
        ),
        (
            "${data.users.age}",
            {"csv": "short.csv"},
            "short.csv line 3 has 1 columns, fewer than its header line",
        ),
        ("${data.users.age|number}", {"csv": "u.csv"}, "column 'age': 'x31' is not a number"),
        (
            "${data.users.email}",
            {"csv": "u.csv", "pick": "unique per vu"},
            "has 2 rows, too few for 5 VUs to have one each",
        ),
    ],
)
def test_a_csv_that_does_not_fit_is_refused_before_the_load(
    tmp_path: Path, text: str, data: Table, sentence: str
) -> None:
    (tmp_path / "u.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "empty.csv").write_text("email,age\n", encoding="utf-8")
    (tmp_path / "short.csv").write_text("email,age\na,1\nb\n", encoding="utf-8")
    step = {"name": "a", "method": "POST", "path": "/", "json": {"x": text}}

    found = loaded(tmp_path, {"s": scenario(step, data={"users": data})})

    assert isinstance(found, list)
    assert any(sentence in problem for problem in found), found


def test_a_cell_that_a_header_cannot_carry_is_refused(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text('name\nok\n"two\nlines"\n', encoding="utf-8")
    step = {**STEP, "headers": {"X-Name": "${data.users.name}"}}

    found = loaded(tmp_path, {"s": scenario(step, data={"users": {"csv": "u.csv"}})})

    assert isinstance(found, list)
    assert "column 'name': 'two\\nlines' has a character that a header can't carry" in found[0]


def test_what_is_missing_outside_the_profile_is_named_beside_its_own_mistakes(
    tmp_path: Path,
) -> None:
    good = scenario(
        {**STEP, "headers": {"X": "${env.SHOP_KEY}"}},
        auth={"bearerEnv": "SHOP_TOKEN"},
        caFile="ca.pem",
    )

    found = loaded(tmp_path, {"s": good, "bad": scenario({**STEP, "path": "x"})}, {"SHOP_KEY": "k"})

    assert isinstance(found, list)
    text = "\n".join(found)
    assert "parameters: the environment variable SHOP_TOKEN is not set; export it first" in text
    assert "SHOP_KEY" not in text
    assert "parameters.caFile: there is no file 'ca.pem' beside the profile" in text
    assert "scenarios.bad.parameters.steps[0].path" in text


def test_a_name_of_the_scenarios_env_needs_no_environment_variable(tmp_path: Path) -> None:
    step = {**STEP, "headers": {"X": "${env.MINE} ${env.OTHER}"}}

    found = loaded(tmp_path, {"s": {**scenario(step), "env": {"MINE": "m"}}})

    assert found == ["parameters: the environment variable OTHER is not set; export it first"]


def test_a_value_of_env_that_a_header_cannot_carry_is_refused(tmp_path: Path) -> None:
    step = {**STEP, "headers": {"X": "${env.SENT}"}}
    env = {"SENT": "two\nlines", "NOT_SENT": "two\nlines"}

    found = loaded(tmp_path, {"s": {**scenario(step), "env": env}})

    assert found == [
        "env.SENT: contains a character that a header can't carry, but a header uses it"
    ]


def test_a_stored_profile_is_read_back_although_its_files_are_gone(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text(CSV, encoding="utf-8")
    step = {**STEP, "path": "/${data.users.email}"}
    run = loaded(tmp_path, {"s": scenario(step, data={"users": {"csv": "u.csv"}})})
    assert isinstance(run, Profile)
    (tmp_path / "u.csv").unlink()

    again = validate_profile(json.loads(run.as_json), "history")

    assert run.folder == str(tmp_path)
    assert str(tmp_path) not in run.as_json
    assert again.config_hash == run.config_hash


MODULE = """
import json as js
from perf_pipeline.scenario import VU
raise RuntimeError("checking a profile must not run this")
def plain(vu): ...
async def good(vu): ...
class Kept: ...
made = good
"""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shop.flows:good", None),
        ("shop.flows:Kept", None),
        ("shop.flows:made", None),
        ("shop.flows:js", None),
        ("json:loads", None),
        (
            "shop.flows:plain",
            "plain in flows.py is not an async function; write async def plain(vu)",
        ),
        ("shop.flows:absent", "flows.py has no 'absent'; it has js, VU, plain, good, Kept, made"),
        ("shop.missing:good", "module 'shop.missing' is neither in "),
        ("broken:good", "broken.py is not valid Python: line 1: invalid syntax"),
    ],
)
def test_python_code_is_looked_for_without_running_it(
    tmp_path: Path, name: str, sentence: str | None
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "flows.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def def", encoding="utf-8")

    found = loaded(tmp_path, {"s": {**PLAN, "exec": name}})

    if sentence is None:
        # json:loads is a plain function, but installed code is not judged by its source's shape.
        assert isinstance(found, Profile) or name == "json:loads"
    else:
        assert isinstance(found, list)
        assert sentence in found[0]


AUTH: Table = {"auth": {"bearerEnv": "TOKEN"}}
IN_HEADER: Table = {"headers": {"X": "v ${env.TOKEN}"}}
CANT = "which a header can't carry (the value is not shown here)"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a-s3cret\r\nX-Evil: 1", "a line end"),
        ("a-s3cret\n", "a line end"),
        ("a-s3cret\rb", "a line end"),
        ("a-s3cret ", "a blank at its end"),
        ("a-s3cret\x07", "a control character"),
        ("a-s3cret\tb", "a control character"),
        ("a-s3cret\x7f", "a control character"),
        ("a-s3cret €", "a letter outside latin-1"),
    ],
)
@pytest.mark.parametrize(("parameters", "user"), [(AUTH, "auth"), (IN_HEADER, "a header")])
def test_a_secret_that_is_no_headers_value_is_refused_by_its_name(
    tmp_path: Path, value: str, kind: str, parameters: Table, user: str
) -> None:
    found = loaded(tmp_path, {"s": scenario(STEP, **parameters)}, {"TOKEN": value})

    assert isinstance(found, list)
    sentence = (
        f"parameters: the environment variable TOKEN contains {kind}, {CANT}, and {user} uses it"
    )
    assert found == [sentence]


def test_a_python_scenarios_auth_is_looked_at_as_well(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text("async def go(vu): ...", encoding="utf-8")
    table = {**PLAN, "exec": "flows:go", "parameters": AUTH}

    found = loaded(tmp_path, {"s": table}, {"TOKEN": "a\nb"})

    assert isinstance(found, list)
    assert "TOKEN contains a line end" in found[0]


def test_a_secret_goes_into_a_body_whatever_characters_it_has(tmp_path: Path) -> None:
    step = {**STEP, "method": "POST", "json": {"key": "${env.TOKEN}"}}

    assert isinstance(loaded(tmp_path, {"s": scenario(step)}, {"TOKEN": "a\n€"}), Profile)


def test_a_secret_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    # os.environ gives a byte that is not UTF-8 as a lone surrogate (PEP 383).
    step = {**STEP, "method": "POST", "body": "${env.TOKEN}"}

    found = loaded(tmp_path, {"s": scenario(step)}, {"TOKEN": "s3cret\udcff"})

    assert isinstance(found, list)
    assert "TOKEN contains bytes that are not UTF-8" in found[0]
    assert "s3cret" not in found[0]


@pytest.mark.parametrize(("value", "fits"), [("u:pä€", True), ("u:p\n", False)])
def test_basic_authentication_takes_what_its_rfc_takes(
    tmp_path: Path, value: str, fits: bool
) -> None:
    # RFC 7617, 2: neither user nor password may hold a control character.
    found = loaded(tmp_path, {"s": scenario(STEP, auth={"basicEnv": "PAIR"})}, {"PAIR": value})

    assert isinstance(found, Profile) is fits


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (b"", "contains no PEM certificate"),
        (b"\x30\x82\x03\x0c\x30\x82", "`openssl x509 -inform der` converts one from DER"),
        (
            b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
            "contains no PEM certificate",
        ),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "contains no PEM certificate",
        ),
    ],
    ids=["empty", "der", "garbled", "key"],
)
def test_a_file_without_a_certificate_is_told_before_any_load(
    tmp_path: Path, written: bytes, sentence: str
) -> None:
    (tmp_path / "ca.pem").write_bytes(written)
    profile = tmp_path / "own.toml"
    profile.write_text(
        """
        name = "own"
        [benchmarks.own.scenarios.s]
        exec = "http_steps"
        executor = "constant-vus"
        duration = "2s"
        parameters = { caFile = "ca.pem", steps = [{ name = "get", path = "/" }] }
        """,
        encoding="utf-8",
    )

    with pytest.raises(ProfileError, match=r"parameters\.caFile: 'ca\.pem' contains no") as caught:
        load_profile(str(profile))

    assert sentence in str(caught.value)
