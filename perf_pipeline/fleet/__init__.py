"""Load workers on other hosts: an existing engine places them, the driver talks to them directly.

Add here: another engine that can start a process on a host. Keep out: the work of a worker
(engine/), and the consequences of a fleet for a run (loading/fleet.py).
"""
