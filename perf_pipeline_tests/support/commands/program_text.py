"""Run the text of a program in a process that was forked, as `python -c TEXT` does.

Add here: nothing. Keep out: which commands are forks (forks_on_request.py).
"""

import sys

if __name__ == "__main__":
    text = sys.argv.pop(1)
    sys.argv[0] = "-c"
    exec(compile(text, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's own
