"""Pure functions that interpret the figures of a run: noise, diffs, bottlenecks, outcome.

Add here: one module per question. Keep out: clocks, randomness, files, SQL and any wording that
belongs to a report.
"""
