"""Write a small project for somebody's own system, from an address, a description or a recording.

Add here: another source, in a module of its own that gives a `Draft`. Keep out: loading a system,
and judging it.
"""
