"""Format a broker's storage: once per cache by Kafka's own tool, then by copying its result.

The tool is a JVM that takes a second of CPU. What it decides, the levels of the features of this
Kafka version, is the same each time and for each broker; the ids are made here.
Add here: another file that a formatted storage needs, another sign that it failed. Keep out: the
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
    """Say whether a broker serves its log no more since it was started last, as its output tells.

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
    """Make the folder of a broker's log a formatted one, with ids of its own.

    Args:
        data: the folder, which is not there yet.
        jars: the jars of this Kafka version, which also hold what the tool wrote for it.
        format_by_tool: formats the folder by Kafka's tool, with the cluster's id that it gets.
        cluster: id of the cluster, which its brokers share; a new one by default.
        node: the broker's number in its cluster.

    Raises:
        StackError: the tool failed, or the folder cannot be written.
    """
    kept = jars / _LEVELS
    if not kept.exists():
        format_by_tool(cluster or new_id())
        with suppress(OSError):  # a cache that only others may write: the tool will run again
            _keep(data / _LEVELS, kept)
        return
    with written(data.parent):
        data.mkdir()
        shutil.copyfile(kept, data / _LEVELS)
        ids = _IDS.format(node=node, cluster=cluster or new_id(), directory=new_id())
        (data / "meta.properties").write_text(ids, encoding="ascii")


def _keep(written: Path, kept: Path) -> None:
    """Copy a file to a place where it is whole or not at all; what is half copied goes.

    Raises:
        OSError: the disk does not take it.
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
