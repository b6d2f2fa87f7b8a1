"""The other side of the pipe."""

import io
import pickle

from tgewatch.engine.heavy import LENGTH, serve
from tgewatch.errors import MalformedError, RefusedError


def refuse():
    raise RefusedError("no", cause="http_404")


def run_out_of_memory():
    raise MemoryError


def answers(*jobs):
    frames = [LENGTH.pack(len(job)) + job for job in map(pickle.dumps, jobs)]
    results = io.BytesIO()
    serve(io.BytesIO(b"".join(frames)), results)
    results.seek(0)
    assert results.read(LENGTH.size) == LENGTH.pack(0)
    found = []
    while header := results.read(LENGTH.size):
        found.append(pickle.loads(results.read(LENGTH.unpack(header)[0])))  # noqa: S301 - our own
    return found


def test_results_come_back_in_order():
    assert [(good, result) for good, result, _ in answers((len, ("abc",)), (max, (1, 2)))] == [
        (True, 3),
        (True, 2),
    ]


def test_errors_of_ours_come_back_as_they_are():
    good, error, _ = answers((refuse, ()))[0]

    assert not good
    assert isinstance(error, RefusedError)
    assert (str(error), error.cause) == ("no", "http_404")


def test_other_errors_come_back_as_malformed_and_the_next_job_is_done():
    (_, crash, _), (_, memory, _), (good, result, _) = answers(
        (int, ("x",)), (run_out_of_memory, ()), (len, ("ab",))
    )

    assert isinstance(crash, MalformedError)
    assert (crash.cause, memory.cause) == ("parse_crash", "parse_memory")
    assert (good, result) == (True, 2)


def test_half_a_job_ends_it():
    results = io.BytesIO()
    serve(io.BytesIO(LENGTH.pack(10)[:3]), results)

    assert results.getvalue() == LENGTH.pack(0)
