"""Send figures of a run to other systems while it goes on, by a process of their own.

Add here: another receiver, another figure. Keep out: what the load is, and what is judged.
"""
