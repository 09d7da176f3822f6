"""The use cases: prepare, measure, ingest, judge, compare, publish; both drivers call only these.

Add here: something that a user does. Keep out: printing (cli.py) and dagster (defs/).
"""
