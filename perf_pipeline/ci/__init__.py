"""Provide what a CI job needs beside a run: waiting for a system, a history's name, a comment.

Add here: another need of a job that every CI system has. Keep out: what a run stores of the CI
(loading/ci_facts.py), and the shell of one CI system (action.yml, .ci/action, examples/ci).
"""
