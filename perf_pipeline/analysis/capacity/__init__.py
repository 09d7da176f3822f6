"""How much a system carries: the search for the rate, and what a window of load shows.

Add here: a pure rule of the search. Keep out: loading a window (runs/), and wording (report/).
"""
