"""The boundary: profiles and targets as people write them, checked whole before any load.

Add here: a key that a profile may have. Keep out: clocks, load, storage.
"""
