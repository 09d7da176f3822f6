"""Load workers on other hosts: they are placed by an existing engine, and talked to directly.

Add here: another engine that can start a process on a host. Keep out: what a worker does (engine/),
and what a fleet means for a run (loading/fleet.py).
"""
