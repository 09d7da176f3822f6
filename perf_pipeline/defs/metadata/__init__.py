"""Make what assets and checks show in the UI: numbers that plot over materialisations, and tables.

Add here: a module for another kind of asset. Keep out: working anything out.
"""
