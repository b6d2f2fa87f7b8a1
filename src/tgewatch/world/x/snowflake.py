"""Ids of posts, which hold the time at which they were made.

The upper bits are milliseconds since the epoch of the service, the lower 22 a machine and a
sequence (docs.x.com, "X IDs").
"""

EPOCH_MS = 1_288_834_974_657
SEQUENCE_BITS = 22


def first_id(at: float) -> int:
    """Return the smallest id that a post of Unix time `at` can have."""
    return max(0, round(at * 1_000) - EPOCH_MS) << SEQUENCE_BITS


def time_of(post: int) -> float:
    """Return the Unix time at which a post with this id was made, to the millisecond."""
    return ((post >> SEQUENCE_BITS) + EPOCH_MS) / 1_000
