"""How long to leave a failing source alone. It is never left for good."""


def backoff(failures: int, *, base: float, cap: float, jitter: float) -> float:
    """Return the seconds to wait after `failures` consecutive failures (1, 2, 3 …).

    Doubles from `base` to `cap`; `jitter` in [0, 1) takes off up to a fifth, so that sources that
    failed together do not come back together.
    """
    # Past 2**40 the cap has long won, and 2.0**1024 overflows.
    curve = base * 2.0 ** min(max(0, failures - 1), 40)
    return min(cap, curve) * (1.0 - 0.2 * jitter)
