"""Invented names. None of them is meant to be anybody's."""

import random

HEADS = (
    "Lum", "Quor", "Vesk", "Tarn", "Obel", "Nimb", "Cald", "Sorr", "Jun", "Pell", "Hark", "Zeph",
    "Orr", "Brim", "Fenn", "Gal", "Ithr", "Krel", "Mav", "Onyr", "Rusk", "Stell", "Umbr", "Wex",
)  # fmt: skip
TAILS = (
    "ara", "ex", "ium", "ora", "is", "ent", "ova", "yx", "eon", "aris", "umo", "eth", "inda",
    "oss", "ule", "anto", "ivo", "esk", "ophi", "adar",
)  # fmt: skip
KINDS = ("Protocol", "Network", "Labs", "Finance", "", "", "", "Chain", "AI", "")
PAPERS_A = ("Ledger", "Block", "Coin", "Chain", "Hash", "Node", "Token", "Mint", "Stake", "Vault")
PAPERS_B = ("Herald", "Courier", "Gazette", "Observer", "Tribune", "Dispatch", "Bulletin", "Post")
VENUES = ("Kronos Exchange", "Bitport", "Mercato X", "Halden Markets", "OpenSpot")


def project_names(chance: random.Random, amount: int) -> list[tuple[str, str]]:
    """Return `amount` different (name, ticker) pairs; a ticker names one project only."""
    stems = [head + tail for head in HEADS for tail in TAILS]
    chance.shuffle(stems)
    found: list[tuple[str, str]] = []
    tickers: set[str] = set()
    for stem in stems:
        if len(found) == amount:
            break
        ticker = (stem[0] + "".join(c for c in stem[1:] if c not in "aeiou")).upper()[:5]
        if len(ticker) < 3 or ticker in tickers:  # noqa: PLR2004 - shortest ticker that reads as one
            continue
        tickers.add(ticker)
        found.append((f"{stem} {chance.choice(KINDS)}".strip(), ticker))
    if len(found) < amount:
        raise ValueError(f"only {len(found)} names can be made")
    return found


def paper_name(number: int) -> str:
    """Return the name of outlet `number`."""
    a, rest = number % len(PAPERS_A), number // len(PAPERS_A)
    b, round_ = rest % len(PAPERS_B), rest // len(PAPERS_B)
    return f"{PAPERS_A[a]} {PAPERS_B[b]}" + (f" {round_ + 1}" if round_ else "")
