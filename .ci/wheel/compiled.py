"""Hatchling's build hook for compiled wheels: what runs for each sample becomes machine code.

mypyc compiles the modules that pyproject.toml names from the same typed source. The sources stay in
the wheel beside what was made of them, for stack traces and debuggers. It is off unless
HATCH_BUILD_HOOK_ENABLE_CUSTOM is set (`make wheel`), so that a clone, a container and an editable
install need no compiler (docs/decisions/0045).
Add here: how it is compiled. Keep out: which modules are (pyproject.toml).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_GROUP: Final = "perf_pipeline"
# setuptools reads no pyproject.toml from its arguments; it runs in a process of its own, because
# it changes the process that it runs in.
_SETUP: Final = """\
import sys
from mypyc.build import mypycify
from setuptools import setup

made, group, *modules = sys.argv[1:]
extensions = mypycify(
    ["--config-file=pyproject.toml", *modules],
    opt_level="3",
    debug_level="0",
    group_name=group,
    target_dir=made,
)
words = ["build_ext", "--build-lib", made + "/lib", "--build-temp", made + "/objects"]
setup(name=group, packages=[], py_modules=[], ext_modules=extensions, script_args=words)
"""


class CompiledBuildHook(BuildHookInterface[Any]):
    """Compile the modules of `modules`, globs beside pyproject.toml without those of `except`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put what was made into the wheel.

        Raises:
            FileNotFoundError: a glob matches nothing.
            RuntimeError: the compiler refused; what it said is told.
        """
        if self.target_name != "wheel" or version == "editable":
            return
        # Hatchling writes the wheel after this, and removes nothing itself.
        self._made = tempfile.TemporaryDirectory(prefix="perf-pipeline-wheel-")
        made = Path(os.path.realpath(self._made.name))
        self._compile(made, self._modules())
        built = made / "lib"
        for library in sorted(built.rglob("*.so")):
            build_data["force_include"][str(library)] = library.relative_to(built).as_posix()
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(
        self,
        version: str,  # noqa: ARG002 - hatchling's
        build_data: dict[str, Any],  # noqa: ARG002 - hatchling's
        artifact_path: str,  # noqa: ARG002 - hatchling's
    ) -> None:
        """Remove what the compiler left."""
        self._made.cleanup()

    def _modules(self) -> list[str]:
        root = Path(self.root)
        found: set[Path] = set()
        for pattern in self.config["modules"]:
            matching = set(root.glob(pattern))
            if not matching:
                raise FileNotFoundError(f"no module is {pattern}; see modules in pyproject.toml")
            found |= matching
        kept = found - {root / name for name in self.config.get("except", ())}
        return [str(path.relative_to(root)) for path in sorted(kept) if path.stem != "__init__"]

    def _compile(self, made: Path, modules: list[str]) -> None:
        command = [sys.executable, "-P", "-c", _SETUP, str(made), _GROUP, *modules]
        done = subprocess.run(
            command,
            cwd=self.root,
            # Beside mypy's own cache, which else each of both would have to make anew.
            env={**os.environ, "MYPY_CACHE_DIR": str(Path(self.root, ".mypy_cache", "wheel"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"mypyc or the C compiler refused:\n{done.stdout}")
