"""A place that files are kept in: a folder, a bucket, or whatever else fsspec reaches.

A file is there whole or not at all: object stores take it so, and elsewhere it is written beside
and renamed. Add here: another kind of place that needs a package. Keep out: what the files are.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from perf_pipeline.config.history_remote import remote_mistake
from perf_pipeline.errors import PerfPipelineError, RequestError, StoreError
from perf_pipeline.quoting import shown
from perf_pipeline.sharing.known_hosts import require_known_host

_PACKAGES: Final[Mapping[str, str]] = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "hdfs": "pyarrow",
    "smb": "smbprotocol",
}
# These take a file whole or not at all, and have no folders that must be made.
_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
_SSH: Final = frozenset({"sftp", "ssh"})
_EXTRAS: Final[Mapping[str, str]] = {"s3fs": "s3", "paramiko": "sftp"}
_NEEDS: Final = "docs/team-history.md says what each kind of place needs"
_HALF: Final = "incoming"
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """Hold a place that was opened by `open_place`.

    Attributes:
        url: as it was given.
        files: the file system of fsspec.
        root: the path in it.
        is_object_store: it takes a file whole or not at all.
    """

    url: str
    files: Any
    root: str
    is_object_store: bool

    def names(self, folder: str) -> list[str]:
        """List the names of the files in a folder; none where there is no such folder.

        Raises:
            StoreError: the place cannot be read.
        """
        with self._told("can't be read"):
            self.files.invalidate_cache()
            try:
                found = self.files.ls(f"{self.root}/{folder}", detail=False)
            except FileNotFoundError:
                return []
            return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found)

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Read files at once; leave out those that are not there.

        Raises:
            StoreError: the place cannot be read.
        """
        if not paths:
            return {}
        whole: list[None] = [None] * len(paths)
        with self._told("can't be read"):
            found = self.files.cat_ranges(
                [f"{self.root}/{path}" for path in paths], whole, whole, on_error="return"
            )
            for answer in found:
                if isinstance(answer, Exception) and not isinstance(answer, FileNotFoundError):
                    raise answer
        pairs = zip(paths, found, strict=True)
        return {path: bytes(text) for path, text in pairs if not isinstance(text, Exception)}

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, each of them whole or not at all; what is there already is replaced.

        Raises:
            StoreError: the place cannot be written.
        """
        with self._told("can't be written"):
            if self.is_object_store:
                self.files.pipe({f"{self.root}/{path}": text for path, text in files.items()})
                return
            for path, text in files.items():
                self._write_beside(path, text)

    def _write_beside(self, path: str, text: bytes) -> None:
        half, whole = f"{self.root}/{_HALF}/{uuid4().hex}", f"{self.root}/{path}"
        for place in (half, whole):
            self._make(place.rpartition("/")[0])
        self.files.pipe_file(half, text)
        self.files.mv(half, whole)

    def _make(self, folder: str) -> None:
        try:
            self.files.makedirs(folder, exist_ok=True)
        except OSError:  # SFTP's word for a folder that somebody else has just made
            if not self.files.isdir(folder):
                raise

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn whatever a client of a place raises into one sentence."""
        try:
            yield
        except PerfPipelineError:
            raise
        # Each client has errors of its own, whose classes nobody can name without its package.
        except Exception as error:
            raise StoreError(
                f"{self.url} {what}: {_text_of(error)}",
                hint=_NEEDS,
            ) from error


def open_place(url: str) -> SharedPlace:
    """Open a place; nothing is asked of it yet, but for a server of SFTP who it is.

    Raises:
        RequestError: it is no URL that can be used, or a package is missing.
        StoreError: the server can't be reached, or nobody here knows its key.
    """
    # Only here: it takes as long as half a command, and most commands share nothing.
    from fsspec import get_filesystem_class  # noqa: PLC0415
    from fsspec.core import split_protocol  # noqa: PLC0415

    protocol = split_protocol(url)[0] or "file"
    if mistake := remote_mistake(url):
        named = "the place of the history" if "@" in url else f"the place {shown(url)}"
        raise RequestError(f"{named} {mistake}")
    try:
        get_filesystem_class(protocol)
    except ImportError as error:
        package = _PACKAGES.get(protocol, "")
        raise RequestError(
            f"{url} needs the package {package or error}, which is not installed",
            hint=_how_to_install(package),
        ) from error
    except ValueError as error:
        raise RequestError(
            f"{url} is in no kind of place that is known: {_text_of(error)}",
            hint="name a folder, or a URL such as s3://BUCKET/FOLDER, gs://, abfs:// or sftp://",
        ) from error
    return _opened(url, protocol)


def _opened(url: str, protocol: str) -> SharedPlace:
    from fsspec.core import url_to_fs  # noqa: PLC0415

    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # our own sentences say it
    options: dict[str, bool] = {} if protocol == "file" else {"skip_instance_cache": True}
    if protocol in _OBJECT_STORES:  # others give what they do not know to their clients
        options["use_listings_cache"] = False
    try:
        files, root = url_to_fs(os.fspath(url), **options)
        if protocol in _SSH:
            require_known_host(files)
    except PerfPipelineError:
        raise
    except Exception as error:  # some clients connect at once, and each has errors of its own
        raise StoreError(f"{url} can't be reached: {_text_of(error)}", hint=_NEEDS) from error
    return SharedPlace(url, files, str(root).rstrip("/"), protocol in _OBJECT_STORES)


def _how_to_install(package: str) -> str:
    if extra := _EXTRAS.get(package):
        return f"install perf_pipeline with it: pip install 'perf_pipeline[{extra}]'"
    return f"pip install {package or 'it'}"


def _text_of(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if isinstance(error, OSError) and error.strerror and error.filename:
        text = f"{error.strerror} ({error.filename})"
    return text.splitlines()[0][:_LONGEST]
