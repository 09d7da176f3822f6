"""The command line. Each command parses, calls one use case, prints, and exits by its verdict.

Add here: a module of commands. Keep out: anything that Dagster needs too (runs/, loading/,
judging/).
"""
