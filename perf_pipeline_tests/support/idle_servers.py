"""End servers that several files share when the work that needed them is over.

A broker that nobody asks anything takes 2 % of a processor, a whole stack 4 %; pytest would keep
both until its process has done all of its other work.
Add here: the fixture of another such server. Keep out: the fixtures (fix_servers.py, fix_up.py).
"""

from functools import partial
from typing import Any, Final

import pytest

_SHARED: Final = ("up", "servers")
_WORK: Final = pytest.StashKey[str]()
# What is set up, by name: the work that used it last, and how it is ended.
_ENDS: Final = pytest.StashKey[dict[str, tuple[str, partial[None]]]]()


def end_idle(item: pytest.Item, work: str) -> None:
    """End shared servers that neither this test uses nor the work that it belongs to has used.

    Args:
        item: the test that is about to be set up; what fails in the end of a server fails it.
        work: which its file is run with (shared_work.py): the files of a work are together.
    """
    item.config.stash[_WORK] = work
    needed = getattr(item, "fixturenames", ())
    ends = item.config.stash.setdefault(_ENDS, {})
    for name, (user, end) in list(ends.items()):
        if name in needed:
            ends[name] = work, end
        elif user != work:
            del ends[name]
            end()


def remember(fixture: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Remember how a server is ended that is about to be started for the test that is set up.

    Args:
        fixture: any; others than shared servers are left alone.
        request: that fixture's.
    """
    if fixture.argname in _SHARED:
        stash = request.config.stash
        # pytest itself ends a fixture in this way where its parameter changes.
        end = partial(fixture.finish, request)  # type: ignore[arg-type]  # it is a SubRequest
        stash[_ENDS][fixture.argname] = stash[_WORK], end
