"""Spans of time in words for a person."""

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def spell(seconds: float) -> str:
    """Return at most two units, largest first: `45 s`, `3 m 10 s`, `2 d 4 h`.

    Below ten seconds one decimal is kept. Negative spans are spelled as if positive.
    """
    seconds = abs(seconds)
    if seconds < 9.95:  # noqa: PLR2004 - what rounds to below ten
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    left = round(seconds)
    for index, (name, size) in enumerate(_UNITS):
        if left < size:
            continue
        count, rest = divmod(left, size)
        if index + 1 < len(_UNITS):
            small, unit = _UNITS[index + 1]
            if rest >= unit:
                return f"{count} {name} {rest // unit} {small}"
        return f"{count} {name}"
    return "0 s"
