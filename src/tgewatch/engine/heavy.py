"""The other side of `offload`: a process of its own, for work that may have to be killed.

Run as `python -m tgewatch.engine.heavy MEGABYTES`. Reads jobs from standard input and writes
results to standard output, each a length (8 bytes) and a pickle. Ends with its input.
"""

import os
import pickle
import re
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from tgewatch.errors import MalformedError, TgewatchError

LENGTH = struct.Struct("!Q")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def serve(jobs: BinaryIO, results: BinaryIO) -> None:
    """Answer jobs one by one: (function, args) → (good, result or error, peak megabytes)."""
    results.write(LENGTH.pack(0))
    results.flush()
    while len(header := jobs.read(LENGTH.size)) == LENGTH.size:
        answer = _answer(jobs.read(LENGTH.unpack(header)[0]))
        results.write(LENGTH.pack(len(answer)) + answer)
        results.flush()


def _answer(job: bytes) -> bytes:
    try:
        function, args = pickle.loads(job)  # noqa: S301 - from our own parent
        del job
        result = function(*args)
        return pickle.dumps((True, result, _peak_megabytes()), pickle.HIGHEST_PROTOCOL)
    except TgewatchError as error:
        return _failure(error)
    except MemoryError:
        return _failure(MalformedError("needs more memory than it may", cause="parse_memory"))
    except Exception as error:  # noqa: BLE001 - the boundary of a task: told to the parent as it is
        return _failure(MalformedError(repr(error)[:300], cause="parse_crash"))


def _failure(error: TgewatchError) -> bytes:
    return pickle.dumps((False, error, _peak_megabytes()))


def _peak_megabytes() -> float:
    """Return the most memory that this process has used; 0 where that cannot be known.

    Not from getrusage, which counts what the parent had when it forked.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    peak = _PEAK.search(status)
    return int(peak.group(1)) / 1_000 if peak else 0.0


def _limit_memory(megabytes: int) -> None:
    """Let allocations beyond `megabytes` fail, where the system can do that."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every system

    size = megabytes * 1_000_000
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard == resource.RLIM_INFINITY or size < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def main() -> None:
    _limit_memory(int(sys.argv[1]))
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what others print must not end up among the results
    serve(sys.stdin.buffer, results)


if __name__ == "__main__":
    main()
