"""Work out before a run when iterations start: arrivals, VU steps, stripes and phases.

Add here: a new shape of load. Keep out: clocks, randomness and asyncio, so that the same
executor always gives the same plan.
"""
