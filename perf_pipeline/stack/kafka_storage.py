"""Format a broker's storage, once per cache with Kafka's own tool, then by copying the result.

The tool is a JVM that takes a second of CPU. Its result, the feature levels of this Kafka version,
is always the same for each broker; the ids are made here.
Add here: another file that a formatted storage needs, or another sign that it failed. Keep out: the
broker's settings (kafka.py).
"""

import base64
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from perf_pipeline.stack.places import written

_STARTED: Final = "Kafka version: "
_GIVEN_UP: Final = "because the log directory has failed"
_LEVELS: Final = "bootstrap.checkpoint"
_IDS: Final = """node.id={node}
version=1
cluster.id={cluster}
directory.id={directory}
"""


def has_given_up_log(output: Path) -> bool:
    """Say from a broker's output whether it has stopped serving its log since its last start.

    Kafka tells its controller, and waits 30 s before it ends (`log.dir.failure.timeout.ms`).
    """
    try:
        text = output.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return _GIVEN_UP in text[max(0, text.rfind(_STARTED)) :]


def format_storage(
    data: Path,
    jars: Path,
    format_by_tool: Callable[[str], None],
    *,
    cluster: str = "",
    node: int = 1,
) -> None:
    """Format the folder of a broker's log, with its own ids.

    Args:
        data: the folder, which does not exist yet.
        jars: the jars of this Kafka version, which also hold what the tool wrote for it.
        format_by_tool: formats the folder with Kafka's tool for a given cluster id.
        cluster: the id of the cluster, which its brokers share; by default a new one.
        node: the broker's number in its cluster.

    Raises:
        StackError: the tool failed, or the folder cannot be written.
    """
    kept = jars / _LEVELS
    if not kept.exists():
        format_by_tool(cluster or new_id())
        with suppress(OSError):  # only others may write to the cache, so the tool will run again
            _keep(data / _LEVELS, kept)
        return
    with written(data.parent):
        data.mkdir()
        shutil.copyfile(kept, data / _LEVELS)
        ids = _IDS.format(node=node, cluster=cluster or new_id(), directory=new_id())
        (data / "meta.properties").write_text(ids, encoding="ascii")


def _keep(written: Path, kept: Path) -> None:
    """Copy a file atomically; a partial copy is removed.

    Raises:
        OSError: the file can't be written.
    """
    draft = kept.with_name(f"{kept.name}.{os.getpid()}.draft")
    try:
        shutil.copyfile(written, draft)
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)


def new_id() -> str:
    """Return a random id as Kafka writes it."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
