"""Count the iterations of a plan, if it has a fixed number of them.

Add here: a kind of executor with a number of iterations. Keep out: when they start (arrivals.py).
"""

from typing import Final

from perf_pipeline.config.executors.kinds import ArrivalRate, Executor, IterationQuota, LoopingVUs
from perf_pipeline.plan.arrivals import count_arrivals
from perf_pipeline.plan.stripes import Stripe

WHOLE: Final = Stripe(0, 1)


def intended_iterations(executor: Executor, stripe: Stripe = WHOLE) -> int:
    """Count the planned iterations of a share; 0 for looping VUs.

    >>> from perf_pipeline.config.executors.per_vu_iterations import PerVUIterations
    >>> intended_iterations(PerVUIterations(executor="per-vu-iterations", vus=10, iterations=5))
    50
    """
    match executor:
        case ArrivalRate():
            return stripe.share(count_arrivals(executor))
        case IterationQuota():
            if executor.is_shared:
                return stripe.share(executor.iterations)
            return stripe.share(executor.vus) * executor.iterations
        case LoopingVUs():
            return 0
