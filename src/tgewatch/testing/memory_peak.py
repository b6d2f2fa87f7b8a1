"""The most memory that this process has held."""

import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Return the peak of this process's resident memory, since its program was started.

    On Linux not from getrusage, whose figure survives exec and so includes whoever started us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
