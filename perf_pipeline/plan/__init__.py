"""When things start, worked out before anything runs: arrivals, VU steps, stripes and phases.

Add here: a new shape of load. Keep out: clocks, randomness, asyncio; the same executor always
gives the same plan.
"""
