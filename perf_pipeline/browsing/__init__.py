"""Show a history in a browser, for people who do not open Dagster: runs, reports, comparisons.

Add here: another page of stored runs. Keep out: the run under way (following/), and changing
anything.
"""
