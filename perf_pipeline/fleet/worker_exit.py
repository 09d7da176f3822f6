"""How a worker on another host ended, as its agent reports it.

Add here: another fact that an agent tells at the end. Keep out: when it is told
(distant_worker.py), and from which fact on a load does not count (engine/health.py).
"""

import json
import math

from perf_pipeline.engine.distant import HostAccount


def read_exit(host: str, payload: bytes) -> tuple[HostAccount, int]:
    """Return what a host says of the load, and the worker's exit code.

    Raises:
        ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError: it says
            something else; a figure that is no number would pass every bound.
    """
    told = json.loads(payload)
    machine = {str(name): _finite(share) for name, share in told["machine"].items()}
    step_ms = _finite(told["clock_step_ms"])
    code = told["code"]
    if type(code) is not int:
        raise ValueError(f"its worker ended with {code!r}, which is not an exit code")
    return HostAccount(host, clock_step_ms=step_ms, machine=machine), code


def _finite(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise ValueError(f"it told {told!r} where a number is expected")
    return float(told)
