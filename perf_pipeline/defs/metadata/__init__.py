"""Make the metadata of assets and checks: numbers that are plotted over materialisations, tables.

Add here: a module for another kind of asset. Keep out: working anything out.
"""
