"""Turn what the user gives (an address, a description, a command line) into a runnable draft.

Add here: another source, as a function that gives benchmarks. Keep out: reading it (a module for
each), and writing files (project_files.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.files import read_text
from perf_pipeline.config.hosts import is_this_machine
from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.asking import FirstAnswer, find_description, first_answer
from perf_pipeline.new_project.draft import Draft, DraftBenchmark, DraftStep
from perf_pipeline.new_project.fitting import fitted
from perf_pipeline.new_project.from_brokers import GivenBrokers, draft_of_brokers
from perf_pipeline.new_project.from_curl import read_curl
from perf_pipeline.new_project.from_har import Recorded
from perf_pipeline.new_project.from_openapi import Composer
from perf_pipeline.new_project.from_postgres import draft_of_database
from perf_pipeline.new_project.har_recording import read_recording
from perf_pipeline.new_project.loads import HTTP_THRESHOLDS, FirstLoad, thresholds_of
from perf_pipeline.new_project.names import operation_name, project_name
from perf_pipeline.new_project.openapi_document import Description, path_of, read_description
from perf_pipeline.new_project.recorded_values import sent_secrets
from perf_pipeline.new_project.secret_names import SecretVariables, variable_prefix
from perf_pipeline.new_project.seen_request import SeenRequest
from perf_pipeline.new_project.taking_over import NotTakenOverError, TakingOver, literal

MOST_BYTES: Final = 64 << 20
_UNKNOWN_ADDRESS: Final = (
    "{} does not say where the API is; add --url with its address, like http://127.0.0.1:8080"
)


_IN_PYTHON: Final = (
    "For what steps can't do, there is scenarios.py. Set enabled = true, or run it with --only "
    "in_python."
)


@dataclass(frozen=True, slots=True)
class Given:
    """Hold what somebody gave to begin with.

    Attributes:
        name: the name of the project.
        url: the URL of the API.
        openapi: a file with a description.
        curl: a command line of curl.
        har: a file with a browser's recording.
        postgres: the DSN of a database, a secret.
        brokers: a Kafka cluster.
        load: how hard the first load is.
    """

    name: str
    url: str | None = None
    openapi: Path | None = None
    curl: str | None = None
    har: Path | None = None
    postgres: str | None = None
    brokers: GivenBrokers | None = None
    load: FirstLoad = field(default_factory=FirstLoad)


def draft_of(given: Given) -> Draft:
    """Make a draft that passes the check of profiles; of an API with a scenario in Python.

    Raises:
        RequestError: a source can't be read, or names nothing to load.
        TargetUnavailableError: the address does not answer.
    """
    draft = fitted(_joined(_parts(given)))
    if "baseUrl" not in draft.target:
        return draft
    return replace(draft, benchmarks=(*draft.benchmarks, _in_python(given.load)))


def _parts(given: Given) -> Iterator[Draft]:
    """Read each part of the system that was named; nothing named is an API without an address."""
    is_api = given.url or given.openapi or given.har or given.curl
    if is_api or not (given.postgres or given.brokers):
        yield _found(given)
    if given.postgres is not None:
        yield draft_of_database(given.name, given.postgres, given.load)
    if given.brokers is not None:
        yield draft_of_brokers(given.name, given.brokers, given.load)


def _joined(parts: Iterable[Draft]) -> Draft:
    """Join what is known of the parts of one system; the first one asks the question."""
    first, *others = parts
    for other in others:
        allowed = [*first.target.get("allowed", ()), *other.target.get("allowed", ())]
        hosts = {"allowed": list(dict.fromkeys(allowed))} if allowed else {}
        first = replace(
            first,
            origin=f"{first.origin}, and {other.origin}",
            target={**first.target, **other.target, **hosts},
            benchmarks=(*first.benchmarks, *other.benchmarks),
            secrets=(*first.secrets, *other.secrets),
            left_out=(*first.left_out, *other.left_out),
        )
    return first


def _found(given: Given) -> Draft:
    if given.openapi is not None:
        text = _read(given.openapi)
        description = read_description(text, str(given.openapi))
        return _described(given, description, given.openapi.name, given.url or "")
    if given.har is not None:
        return _of_recording(given, given.har)
    if given.curl is not None:
        return _of_curl(given, given.curl)
    if given.url is None:
        raise RequestError("nothing was given to begin with", hint=HOW_TO_BEGIN)
    _require_plain(given.url)
    found = find_description(given.url)
    if found is not None:
        text, place = found
        description = read_description(text, place)
        return _described(given, description, place, given.url, place)
    return _of_one_answer(given, first_answer(given.url))


HOW_TO_BEGIN: Final = (
    "name your system with --url http://127.0.0.1:8080, or give --openapi FILE, --har FILE, "
    "--curl 'curl …', --postgres DSN or --brokers HOST:PORT"
)


def target_table(base_url: str) -> dict[str, Any]:
    """Return the keys of a target; a host that is not this machine is allowed, as it was named.

    Raises:
        RequestError: it is no address that can be loaded.
    """
    base = base_url.rstrip("/")
    try:
        address = WebAddress.read_base(base)
    except ValueError as error:
        raise RequestError(f"{_bare(base)!r} {error}") from None
    table: dict[str, Any] = {"baseUrl": base}
    if not is_this_machine(address.host):
        table["allowed"] = [address.host]
    return table


def _described(
    given: Given, description: Description, origin: str, url: str, fetched_from: str = ""
) -> Draft:
    secrets = SecretVariables(variable_prefix(given.name))
    composer = Composer(description, secrets, given.load)
    return Draft(
        name=given.name,
        origin=f"the description in {origin}",
        question=given.load.question(),
        target=target_table(_base_url(description, url, fetched_from, origin)),
        benchmarks=tuple(composer.benchmarks()),
        secrets=secrets.found,
        left_out=tuple(composer.left_out),
    )


def _base_url(description: Description, url: str, fetched_from: str, origin: str) -> str:
    """Return the address that was named; without a path, with that of the server."""
    server = description.server(fetched_from)
    if not url:
        if "://" not in server:
            raise RequestError(_UNKNOWN_ADDRESS.format(origin))
        return server
    return url if path_of(url) or not server else f"{url.rstrip('/')}{path_of(server)}"


def _of_one_answer(given: Given, answer: FirstAnswer) -> Draft:
    path = answer.target.partition("?")[0]
    step = DraftStep(
        name=operation_name(f"GET {path}", ()),
        method="GET",
        path=literal(answer.target),
        expect={"status": answer.status},
    )
    return Draft(
        name=given.name,
        origin=f"one GET of {answer.base_url}{path}",
        question=given.load.question(),
        target=target_table(answer.base_url),
        benchmarks=(visits([step], given.load),),
        left_out=answer.remarks,
    )


def _of_curl(given: Given, command: str) -> Draft:
    read = read_curl(command)
    secrets = SecretVariables(variable_prefix(given.name))
    taking = TakingOver(secrets, secret_values=sent_secrets(read.request))
    try:
        step = taking.step("", read.request)
    except NotTakenOverError as error:
        raise RequestError(
            f"the request of the command line can't be taken over: {error}"
        ) from None
    step = replace(step, name=operation_name(f"{step.method} {read.request.path}", ()))
    parameters: dict[str, Any] = {"auth": taking.auth} if taking.auth else {}
    if read.skips_verification:
        parameters["insecureSkipVerify"] = True
    return Draft(
        name=given.name,
        origin="a command line of curl",
        question=given.load.question(),
        target=target_table(given.url or read.request.origin),
        benchmarks=(visits([step], given.load, parameters),),
        secrets=secrets.found,
        left_out=read.remarks,
    )


def _of_recording(given: Given, file: Path) -> Draft:
    secrets = SecretVariables(variable_prefix(given.name))
    origin = SeenRequest("GET", given.url).origin if given.url else ""
    recorded = Recorded(secrets, origin)
    recorded.add(read_recording(_read(file), str(file)))
    parameters = {"auth": recorded.auth} if recorded.auth else {}
    return Draft(
        name=given.name,
        origin=f"the recording {file.name}",
        question=given.load.question(),
        target=target_table(recorded.origin),
        benchmarks=(visits(recorded.steps, given.load, parameters, recorded.remarks),),
        secrets=secrets.found,
        left_out=tuple(recorded.left_out),
    )


def visits(
    steps: Sequence[DraftStep],
    load: FirstLoad,
    parameters: dict[str, Any] | None = None,
    remarks: Sequence[str] = (),
) -> DraftBenchmark:
    """Return the benchmark of one flow of steps."""
    return DraftBenchmark(
        name="visits",
        scenario="visitors",
        exec="http_steps",
        load=load.executor(steps),
        parameters=parameters or {},
        steps=tuple(steps),
        thresholds=thresholds_of(steps),
        remarks=remarks,
    )


def _in_python(load: FirstLoad) -> DraftBenchmark:
    return DraftBenchmark(
        name="in_python",
        scenario="visitors",
        exec="scenarios:visit",
        load=load.executor(),
        thresholds=HTTP_THRESHOLDS,
        description="The scenario in scenarios.py.",
        enabled=False,
        remarks=(_IN_PYTHON,),
    )


def name_of(folder: Path) -> str:
    """Name a project after its folder."""
    return project_name(folder.resolve().name)


def _read(path: Path) -> str:
    try:
        return read_text(path, MOST_BYTES)
    except ValueError as error:
        raise RequestError(f"{path} {error}") from None


def _require_plain(url: str) -> None:
    try:
        address = WebAddress.read(url)
    except ValueError as error:
        raise RequestError(f"{_bare(url)!r} {error}") from None
    if address.has_userinfo:
        raise RequestError(
            f"{_bare(url)!r} holds a user name; leave it out, and write auth = {{ basicEnv = NAME "
            "}} into the profile afterwards"
        )


def _bare(url: str) -> str:
    """Leave out what may be a password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"[:200]
