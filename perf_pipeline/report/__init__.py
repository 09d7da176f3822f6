"""Render a finished run as text: terminal, Markdown, HTML, JUnit XML, k6's JSON. Pure functions.

`model.RunReport` goes in, a string comes out. Add here: one module per format. Keep out: files,
clocks, queries and judgements; analysis/ decides, and this package puts it into words.
"""
