-- The mean duration of statements (metric db_statement_mean_ms) is read from this extension.
create extension if not exists pg_stat_statements;
