"""Choose where Dagster keeps its runs and events: PostgreSQL if one is given, else SQLite.

A deployment and `perf-pipeline ui` set PERF_DAGSTER_POSTGRES_URL. A fresh checkout and a CI job set
nothing, and `dagster asset materialize` has to work there too with the same dagster.yaml; Dagster's
own `storage: postgres` refuses to start without the variable.
Add here: another place to keep them. Keep out: the measured figures (store/).
Dagster concept: dagster.yaml, https://docs.dagster.io/deployment/oss/dagster-yaml
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from dagster import Field, StringSource
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from perf_pipeline.secrecy.files import private_folder

TEMPORARY_VARIABLE: Final = "PERF_DAGSTER_TEMPORARY_STORAGE"


class PostgresWhereGiven(DagsterStorage, ConfigurableClass):
    """Choose one of Dagster's own storages when an instance is made; dagster.yaml names this class.

    Dagster has no public way of choosing; its own custom storages (dagster_postgres) use the same
    imports with an underscore.
    """

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Declare what dagster.yaml must contain: the environment variable that holds the URL."""
        return {"postgres_url_variable": Field(StringSource)}

    @classmethod
    def from_config_value(  # type: ignore[override]  # it chooses: another class is instantiated
        cls, _: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DagsterStorage:
        """Return PostgreSQL's storage if the variable is set, else SQLite's."""
        variable = config_value["postgres_url_variable"]
        url = os.environ.get(variable)
        if url:
            described = _describe_postgres(variable)
            return DagsterPostgresStorage.from_config_value(described, {"postgres_url": url})
        home = os.environ.get("DAGSTER_HOME")
        return _temporary() if not home else _sqlite(Path(home) / "storage")


def _describe_postgres(variable: str) -> ConfigurableClassData:
    """Describe the chosen storage by the name of the variable, so that no password is stored."""
    config = yaml.safe_dump({"postgres_url": {"env": variable}})
    return ConfigurableClassData("dagster_postgres", "DagsterPostgresStorage", config)


def _sqlite(folder: Path) -> DagsterSqliteStorage:
    return DagsterSqliteStorage.from_local(str(private_folder(folder).absolute()))


def _temporary() -> DagsterSqliteStorage:
    """Return a storage that ends with this process, as Dagster does without DAGSTER_HOME.

    It must not outlive the process, because a killed run would keep its place in the pool, and the
    next run would wait forever. `dagster dev` starts processes that have to find the same folder,
    whose name they inherit through the environment.
    """
    inherited = os.environ.get(TEMPORARY_VARIABLE)
    if inherited:
        return _sqlite(Path(inherited))
    folder = tempfile.mkdtemp(prefix="perf-pipeline-dagster-")
    os.environ[TEMPORARY_VARIABLE] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _sqlite(Path(folder))
