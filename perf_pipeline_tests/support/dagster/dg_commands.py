"""Run commands of dg one after another: `python -m ….dg_commands '[["check", "yaml"], …]' SOURCES`.

The second argument is the folder that the project's own modules are imported from. One process runs
several of them, because importing Dagster takes longer than any. Each line of its output is, as
JSON, what one command said.
Add here: nothing. Keep out: what the commands are.
"""

import contextlib
import io
import json
import os
import sys

from dagster_dg_cli.cli import cli


def main() -> None:
    """Run them until one fails."""
    sys.path[:0] = ["", sys.argv[2]]  # Dagster removes the first one
    os.environ["PYTHONPATH"] = sys.argv[2]
    for words in json.loads(sys.argv[1]):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = cli.main(words, prog_name="dg", standalone_mode=False)
        assert not code, (words, code, said.getvalue())
        print(json.dumps(said.getvalue()))


if __name__ == "__main__":
    main()
