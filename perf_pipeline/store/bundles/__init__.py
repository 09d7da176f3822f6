"""Runs as files that travel: Parquet of their rows, and back into another history.

Add here: what a bundle holds. Keep out: places that bundles are kept in (sharing/).
"""
