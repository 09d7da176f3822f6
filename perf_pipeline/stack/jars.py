"""Fetch the locked jars into the cache, and verify each by SHA-256.

Cached files are used first, then jgo (pure Python), then an installed Maven, which knows the user's
mirrors and proxies. Add here: another way to fetch by coordinates. Keep out: choosing versions (see
`kafka_lock`).
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

from perf_pipeline.errors import StackError
from perf_pipeline.narration import Say
from perf_pipeline.stack.kafka_lock import Jar, Lock, sha256_of
from perf_pipeline.stack.parts import CannotBeHadError

DOWNLOADS = 8  # concurrent downloads: 44 MB in 7 to 12 s
MAVEN_S = 300
HINT = (
    "check the network to Maven Central (or install `mvn` with your mirror in its settings.xml), "
    "copy the cache folder from a machine that has it, or set PERF_KAFKA_BROKERS"
)
Fetch = Callable[[Sequence[Jar], Path], None]


class FetchError(Exception):
    """Say why one way of fetching did not work; the next one is tried."""


def jars_folder(lock: Lock, cache: Path) -> Path:
    """Return the folder that holds the jars of this Kafka version."""
    return cache / f"kafka-{lock.version}"


def missing_jars(lock: Lock, cache: Path) -> list[Jar]:
    """Return the locked jars that are not in the cache with the right content."""
    folder = jars_folder(lock, cache)
    return [jar for jar in lock.jars if not _is_right(folder / jar.filename, jar)]


def ensure_jars(
    lock: Lock, cache: Path, *, say: Say, fetches: Sequence[Fetch] | None = None
) -> Path:
    """Return the folder with every locked jar, fetching what is missing.

    Args:
        lock: the jars that must be there.
        cache: the cache of all stacks; a file lock prevents concurrent fetching.
        say: is told a sentence if something has to be fetched.
        fetches: ways to fetch, in order; None for jgo and Maven.

    Raises:
        CannotBeHadError: no way of fetching worked; the message gives the reason of each.
        StackError: the SHA-256 of a jar differs from the lock.
    """
    folder = jars_folder(lock, cache)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "kafka.lock"):
        missing = missing_jars(lock, cache)
        if missing:
            share = f"{len(missing)} of {len(lock.jars)} jars"
            say(f"fetching Apache Kafka {lock.version}: {share}, once ...")
            _fetch_all(missing, folder, (fetch_with_jgo, fetch_with_maven), fetches)
    return folder


def fetch_with_jgo(
    jars: Sequence[Jar], folder: Path, *, remotes: dict[str, str] | None = None
) -> None:
    """Download the jars into the folder with jgo.

    Raises:
        FetchError: jgo is not installed, or a jar could not be downloaded.
    """
    try:
        # An optional dependency (extra `stack`): a deployment with its own brokers has no jgo.
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise FetchError(f"jgo is not installed ({error})") from error
    context = MavenContext(repo_cache=folder / "m2", remote_repos=remotes)

    def download(jar: Jar) -> None:
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        shutil.move(component.artifact().resolve(), folder / jar.filename)

    try:
        download(jars[0])  # alone, so that a missing network costs one timeout
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(download, jars[1:]))
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise FetchError(f"jgo: {error}") from error


def fetch_with_maven(jars: Sequence[Jar], folder: Path) -> None:
    """Copy the jars into the folder with an installed Maven and the user's settings.

    Raises:
        FetchError: there is no `mvn`, or it failed.
    """
    dependencies = "".join(
        f"<dependency><groupId>{jar.group}</groupId><artifactId>{jar.artifact}</artifactId>"
        f"<version>{jar.version}</version><exclusions><exclusion><groupId>*</groupId>"
        "<artifactId>*</artifactId></exclusion></exclusions></dependency>"
        for jar in jars
    )
    pom = folder / "pom.xml"
    pom.write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>perf_pipeline</groupId>"
        "<artifactId>jars</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>",
        encoding="utf-8",
    )
    goal = ["mvn", "-B", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    try:
        subprocess.run(
            goal, cwd=folder, capture_output=True, text=True, timeout=MAVEN_S, check=True
        )
    except subprocess.CalledProcessError as error:
        last = (error.stdout or error.stderr or "no output").strip().splitlines()[-1]
        raise FetchError(f"mvn: {last}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"mvn: {error}") from error


def _fetch_all(
    missing: Sequence[Jar], folder: Path, usual: Sequence[Fetch], given: Sequence[Fetch] | None
) -> None:
    problems: list[str] = []
    for fetch in usual if given is None else given:
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            draft = Path(name)
            try:
                fetch(missing, draft)
            except FetchError as error:
                problems.append(str(error))
                continue
            for jar in missing:
                _verify(draft / jar.filename, jar)
                (draft / jar.filename).replace(folder / jar.filename)
            return
    raise CannotBeHadError(
        f"Apache Kafka's jars are not available: {'; '.join(problems)}", hint=HINT
    )


def _verify(path: Path, jar: Jar) -> None:
    found = sha256_of(path) if path.exists() else "nothing"
    if found != jar.sha256:
        raise StackError(
            f"{jar.coordinate} does not match the lock: its SHA-256 is {found}, and the lock has "
            f"{jar.sha256}; the file was thrown away",
            hint=(
                "somebody between you and Maven Central changes files; ask whoever runs the mirror"
            ),
        )


def _is_right(path: Path, jar: Jar) -> bool:
    return path.exists() and sha256_of(path) == jar.sha256
