"""What the figures of a run mean: noise, baseline diff, bottlenecks, outcome. Pure functions.

Add here: one module per question. Keep out: clocks, randomness, files, SQL and any wording that
belongs to a report.
"""
