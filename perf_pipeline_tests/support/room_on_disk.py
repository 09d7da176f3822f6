"""Whether the disks have room for a run of the suite, which ends in odd ways where they have not.

Add here: another folder that tests write to. Keep out: what a run of perf-pipeline needs.
"""

from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from shutil import disk_usage
from typing import Final

from perf_pipeline.stack.parts import PartFinding
from perf_pipeline_tests.support.places import ROOT

# Measured: 0.3 GB stand in the folders of four processes at a time, and 0.9 GB where a test
# installs the package into an environment of its own.
NEEDED_GB: Final = 2
_GB: Final = 10**9


def room_on_disk(folders: Path) -> PartFinding:
    """Look at the disks that tests write to.

    Args:
        folders: where those of the tests are made.
    """
    return finding_of({folder: disk_usage(folder).free for folder in (folders, ROOT)})


def finding_of(free_bytes: Mapping[Path, int]) -> PartFinding:
    """Say how much is free where it is least, and whether that is enough.

    Args:
        free_bytes: of each folder.
    """
    folder, free = min(free_bytes.items(), key=itemgetter(1))
    sentence = (
        f"{free / _GB:.1f} GB are free in {folder}; a run of all tests needs about {NEEDED_GB} GB"
    )
    return PartFinding("disk", ok=free >= NEEDED_GB * _GB, sentence=sentence)
