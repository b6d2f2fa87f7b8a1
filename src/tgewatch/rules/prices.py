"""What X charges for what it returns, as its price list says it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

_NAMES = {
    "post": ("posts", "post", "postsread", "postread", "tweets", "tweet"),
    "user": ("users", "user", "usersread", "userread"),
    "counts": ("countsrecent", "countrecent", "counts", "postcounts", "postcountsrecent"),
}
"""Names in the price list, without anything but letters and in lower case."""
_DEAREST = 100.0


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for one of each, pay-per-use (docs.x.com, pricing; August 2026)."""

    post: float = 0.005
    """A post returned, once in a UTC day."""
    user: float = 0.010
    """A user returned, once in a UTC day."""
    counts: float = 0.005
    """A request for counts."""


def listed(document: Any) -> Mapping[str, float]:
    """Return the prices that a price list names, by field of Prices.

    The list is `GET /api/credits/pricing` of the developer console: `eventTypePricing` by resource
    and `requestTypePricing` by request. What makes no sense is left out.
    """
    found: dict[str, float] = {}
    for table in ("eventTypePricing", "requestTypePricing"):
        entries = document.get(table) if isinstance(document, Mapping) else None
        for name, value in entries.items() if isinstance(entries, Mapping) else ():
            plain = re.sub(r"[^a-z]", "", str(name).lower())
            price = _price(value)
            for field in fields(Prices):
                if plain in _NAMES[field.name] and price is not None:
                    found.setdefault(field.name, price)
    return found


def _price(value: Any) -> float | None:
    if isinstance(value, Mapping):
        value = next((value[k] for k in ("price", "cost", "amount", "usd") if k in value), None)
    if isinstance(value, str):
        value = value.strip().removeprefix("$")
    try:
        price = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return price if math.isfinite(price) and 0 <= price <= _DEAREST else None
