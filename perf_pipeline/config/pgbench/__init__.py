"""pgbench's scripts: their commands and expressions, as pgbench's documentation describes them.

Source: https://www.postgresql.org/docs/current/pgbench.html
Add here: another command or function of pgbench. Keep out: running them (workloads/postgres/).
"""
