"""SciPy's special functions alone, for commands that must answer at once.

`import scipy.special` takes 0.4 s of CPU: it makes its functions fit for arrays of other libraries,
for which it reads NumPy's tools for tests and for Fortran as well. The functions themselves are one
compiled module, which takes 0.04 s. They are the same functions, to the last bit.
Add here: nothing. Keep out: statistics, each beside what it is for.
"""

import sys
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final, Protocol, cast

_PACKAGE: Final = "scipy.special"
_COMPILED: Final = "scipy.special._ufuncs"
_LOCK: Final = Lock()


class Special(Protocol):
    """Name the functions that are used; each is the one of `scipy.special`."""

    stdtr: Any
    stdtrit: Any
    betainc: Any
    betaincinv: Any
    bdtrc: Any


def special() -> Special:
    """Return SciPy's special functions, without all that its package imports beside them."""
    with _LOCK:
        if _PACKAGE not in sys.modules and _COMPILED not in sys.modules:
            _import_compiled()
    return cast("Special", sys.modules.get(_COMPILED) or import_module(_PACKAGE))


def _import_compiled() -> None:
    """Import the compiled module; a SciPy that is built otherwise is imported as a whole later."""
    import scipy  # noqa: PLC0415 - with NumPy 0.2 s of import that few commands need

    bare = ModuleType(_PACKAGE)
    bare.__path__ = [str(Path(scipy.__file__).parent / "special")]
    sys.modules[_PACKAGE] = bare
    try:
        import_module(_COMPILED)
    except ImportError:
        sys.modules.pop(_COMPILED, None)
    finally:
        # Whoever imports the package itself gets all of it.
        del sys.modules[_PACKAGE]
