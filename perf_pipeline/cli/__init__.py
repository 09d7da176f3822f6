"""The command line: driver 1. It parses, calls one use case, prints, and ends by its verdict.

Add here: a module of commands. Keep out: anything that Dagster needs too (runs/, loading/,
judging/).
"""
