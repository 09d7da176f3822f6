"""A real S3 server whose buckets are folders, and which can be made to hang at a file.

Add here: another way in which a bucket fails. Keep out: what is put there.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from localbucket import S3Handler

from perf_pipeline_tests.support.servers.serving import serving

BUCKET = "team-history"


@dataclass(slots=True)
class S3Server:
    """Hold a server that runs.

    Attributes:
        folder: of the bucket's files.
        environment: by which clients of S3 find it, and their credentials.
        hangs_at: a PUT whose path holds this text is not answered, and closed at the end.
        is_hanging: somebody waits for such an answer.
    """

    folder: Path
    environment: Mapping[str, str]
    hangs_at: str = ""
    is_hanging: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Give a place in the bucket."""
        return f"s3://{BUCKET}/speed"


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Serve an empty bucket."""
    (folder / BUCKET).mkdir(parents=True)
    held: list[S3Server] = []

    class Handler(S3Handler):  # type: ignore[misc]  # it ships no types
        data_root = folder

        def log_message(self, *_: object) -> None:
            """Write nothing."""

        def do_PUT(self) -> None:
            """Take a file, or hang."""
            server = held[0]
            if server.hangs_at and server.hangs_at in self.path:
                server.is_hanging.set()
                server.is_over.wait()
                self.close_connection = True
                return
            super().do_PUT()

    with serving(Handler) as address:
        found = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "team",
            "AWS_SECRET_ACCESS_KEY": "not-checked-here",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        held.append(S3Server(folder / BUCKET, found))
        try:
            yield held[0]
        finally:
            held[0].is_over.set()
