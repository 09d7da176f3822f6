"""The lock of the embedded Apache Kafka: its exact jars with their SHA-256.

Run `python -m perf_pipeline.stack.kafka_lock [version]` with Maven installed to rewrite the lock.
Add here: another Maven artifact that the broker needs. Keep out: fetching (see `jars`).
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

LOCK_PATH = Path(__file__).with_name("kafka.lock.toml")
# kafka-tools has the producer and consumer performance tools, which do not need its dependencies,
# Kafka Connect (45 more jars).
POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>perf_pipeline</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{kafka}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId>
<version>{kafka}</version><exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId>
</exclusion></exclusions></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
<version>{log4j}</version></dependency>
</dependencies></project>
"""
LISTED = re.compile(r"^\[INFO\]\s+([\w.-]+):([\w.-]+):jar:([\w.-]+):\w+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Jar:
    """Describe a locked artifact by Maven coordinates and the SHA-256 of its file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Return the file's name as Maven writes it."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def coordinate(self) -> str:
        """Return `group:artifact:version`."""
        return f"{self.group}:{self.artifact}:{self.version}"


@dataclass(frozen=True, slots=True)
class Lock:
    """Hold the version of Kafka and every jar on its class path."""

    version: str
    jars: tuple[Jar, ...]


def read_lock(path: Path = LOCK_PATH) -> Lock:
    """Read the lock file."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    jars = [(*entry["coordinate"].split(":"), entry["sha256"]) for entry in document["jar"]]
    return Lock(version=document["kafka"], jars=tuple(Jar(*fields) for fields in jars))


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lock(lock: Lock, path: Path = LOCK_PATH) -> None:
    """Write the lock file, ordered by coordinate."""
    lines = [
        "# Written by `python -m perf_pipeline.stack.kafka_lock`; not edited by hand.",
        f'kafka = "{lock.version}"',
    ]
    for jar in sorted(lock.jars, key=lambda jar: jar.coordinate):
        lines += ["", "[[jar]]", f'coordinate = "{jar.coordinate}"', f'sha256 = "{jar.sha256}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def resolve_with_maven(kafka: str, log4j: str) -> Lock:
    """Let Maven choose the runtime class path, and hash each of its files.

    Raises:
        subprocess.CalledProcessError: Maven could not resolve it; its output is on the terminal.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pom.xml").write_text(POM.format(kafka=kafka, log4j=log4j), encoding="utf-8")
        maven = ["mvn", "--batch-mode", "-DincludeScope=runtime"]
        listed = subprocess.run(
            [*maven, "dependency:list"], cwd=folder, check=True, capture_output=True, text=True
        )
        copy = [*maven, "--quiet", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        subprocess.run(copy, cwd=folder, check=True)
        found = LISTED.findall(listed.stdout)
        jars = [
            Jar(group, name, version, sha256_of(folder / "jars" / f"{name}-{version}.jar"))
            for group, name, version in found
        ]
    return Lock(version=kafka, jars=tuple(jars))


def main(arguments: list[str]) -> None:
    """Write the lock for the named Kafka version, or for the locked one."""
    kafka = arguments[0] if arguments else "4.3.1"
    log4j = arguments[1] if len(arguments) > 1 else "2.25.4"
    lock = resolve_with_maven(kafka, log4j)
    write_lock(lock)
    sys.stdout.write(f"{LOCK_PATH.name}: Apache Kafka {kafka}, {len(lock.jars)} jars\n")


if __name__ == "__main__":
    main(sys.argv[1:])
