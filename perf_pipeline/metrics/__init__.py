"""The terms of the field as types: metric, sample, reading, figure, summary, threshold, verdict.

Add here: a term that more than one package needs. Keep out: I/O, clocks, SQL and dagster.
"""
