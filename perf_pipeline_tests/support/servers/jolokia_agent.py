"""Jolokia in a broker that runs already, as its owner would start it; gone afterwards.

Add here: another way in which an agent is started. Keep out: asking it.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jgo.maven import MavenContext

from perf_pipeline.stack.java import find_java
from perf_pipeline.stack.kafka_lock import sha256_of
from perf_pipeline.stack.service import free_port, is_listening
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.places import CACHE

VERSION: Final = "2.5.1"
SHA256: Final = "575ced60f54788cb70f214f8a0a1bbad50826998db4950d50eb84d6fea39ffff"
LOGIN: Final = ("perf", "se-cret")
_ATTACHED_WITHIN_S: Final = 60


def agent_jar() -> Path:
    """Give the agent's jar, fetched once by its Maven coordinates and verified."""
    jar = CACHE / f"jolokia-{VERSION}.jar"
    if not jar.exists():
        project = MavenContext(repo_cache=CACHE / "jolokia-m2").project(
            "org.jolokia", "jolokia-agent-jvm"
        )
        fetched = project.at_version(VERSION).artifact(classifier="javaagent").resolve()
        shutil.copy(fetched, jar)
        shutil.rmtree(CACHE / "jolokia-m2")
    assert sha256_of(jar) == SHA256
    return jar


@contextmanager
def jolokia_in(pid: int) -> Iterator[str]:
    """Attach an agent with a password to a Java process; give its URL."""
    java, port = find_java(), free_port()
    assert java is not None
    agent = [str(java.program), "-jar", str(agent_jar())]
    user, password = LOGIN
    given = ["--host", "127.0.0.1", "--port", str(port), "--user", user, "--password", password]

    def ask(command: str, *options: str) -> None:
        # Its exit code is 1 where the agent asks for a password, because it asks without one.
        subprocess.run(
            [*agent, *options, command, str(pid)],
            check=False,
            capture_output=True,
            timeout=_ATTACHED_WITHIN_S,
        )

    ask("start", *given)
    try:
        wait_until(lambda: is_listening(port), _ATTACHED_WITHIN_S)
        yield f"http://127.0.0.1:{port}/jolokia"
    finally:
        ask("stop")
