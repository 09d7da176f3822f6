"""A history in a browser, for people who do not open Dagster: its runs, reports and comparisons.

Add here: another page of stored runs. Keep out: the run under way (following/), and changing
anything.
"""
