"""Profiles and targets as people write them: read and fully checked before any load starts.

Add here: a key that a profile may have. Keep out: clocks, load, storage.
"""
