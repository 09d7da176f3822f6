"""Configure a user's own scenario in Python code.

Add here: a key of a Python scenario, with its meaning in docs/scenarios.md. Keep out: keys that
steps have, too (http_steps.py), and finding the module (own_modules.py).
"""

from typing import Any, Literal

from pydantic import Field

from perf_pipeline.config.http_steps import OwnHttpParameters, VariableName


class PythonParameters(OwnHttpParameters):
    """Configure what a Python scenario is given.

    Attributes:
        path: the folder from which its module is imported, relative to the profile.
        secrets: environment variables that it may read, as `vu.secrets`.
        settings: any values; it reads them as `vu.settings`.
        transport: `load` is our own transport; `httpx` uses httpx's, which costs several times as
            much CPU.
    """

    path: str = "."
    secrets: tuple[VariableName, ...] = Field(default=(), strict=False)
    settings: dict[str, Any] = Field(default_factory=dict)
    transport: Literal["load", "httpx"] = "load"

    @property
    def secret_names(self) -> frozenset[str]:
        """Return the names of the secrets, which only the environment of the machine may hold."""
        return super().secret_names | frozenset(self.secrets)
