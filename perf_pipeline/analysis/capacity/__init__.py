"""Find how much a system carries: the search for the rate, and the verdict on a window of load.

Add here: a pure rule of the search. Keep out: loading a window (runs/), and wording (report/).
"""
