"""What a claim says about the life of an event: its signal, the track it is about, its date."""

import re
from dataclasses import dataclass
from functools import lru_cache

from tgewatch.model import Claim, DateClaim, Kind, Precision
from tgewatch.rules.lifecycle import DAY, Signal, concrete

TOKEN = "token"  # noqa: S105 - the name of a track
CLAIM = "claim"
SALE = "sale"
LISTING = "listing"

STRONG_FLAGS = frozenset({"lookalike_domain", "impersonator", "drainer_phrase"})
"""Signs of fraud with which a claim cannot move an event, only be shown."""

AHEAD = 2 * 3_600.0
"""Seconds; a date that begins sooner is happening now."""

BEHIND = {False: 14 * DAY, True: DAY}
"""Seconds; a date that passed longer ago is not when it happened, nor (where a date is all that is
said) when it will."""

_TEXT = 700
_CLOSE = re.compile(
    r"\b(?:claims?|claiming|window|airdrop|sale|period|portal|distribution|round)\b"
    r"(?:\W+\w+){0,3}?\W+(?:clos(?:es?|ed|ing)|end(?:s|ed|ing)?|expir\w+|conclud\w+|deadline"
    r"|sold out|(?:is|are) over|finish\w*)\b"
    r"|\b(?:deadline|last (?:chance|day|call|hours?)|final (?:day|hours?|call)|sells? out|sold out)\b"
)
_OPEN = re.compile(
    r"\b(?:(?:is|are|goes|go|went|now) (?:now )?(?:live|open)|now (?:available|trading|claimable)"
    r"|opens?(?! (?:source|sea|eden))|opened|begins?|began|starts?|started|kicks? off|kicked off"
    r"|claim (?:now|today|your)|can (?:now )?(?:claim|trade)|claimed|claiming|reopen\w*"
    r"|lists|listed|debuts?|debuted|launches|launched|distribut(?:es|ed)|airdrops|airdropped"
    r"|here's how to claim|trading (?:begins|starts|started|live))\b"
)
_AHEAD = re.compile(
    r"\b(?:will|to (?:list|launch|open|start|begin|airdrop|distribute|host|debut|hold|introduce|add)"
    r"|set (?:to|for)|upcoming|ahead of|soon|plans?|planned|planning|approv\w+|eligib\w+|criteria"
    r"|checkers?|snapshots?|whitelist\w*|allowlist\w*|regist\w+|prepar\w+|gear\w*|next (?:week|month)"
    r"|tomorrow|announc\w+|unveil\w*|reveal\w*|confirm\w*|schedul\w+|hints?|teas\w+|before|coming"
    r"|introduc\w+|expected|details)\b"
)
_IMMINENT = re.compile(
    r"\b(?:soon|tomorrow|next (?:week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
    r"|in \d+ (?:hours?|days?|weeks?))\b"
)
_CLAIMING = re.compile(r"\b(?:claims?|claiming)\b")
_TOKEN = re.compile(
    r"\b(?:tge|token generation|token launch|launch(?:es|ing)?|list(?:s|ing)?|trading)\b"
)
_EXTENDED = re.compile(r"\bextend(?:s|ed|ing)?\b")
"""What slips is the end of a window, not its beginning."""
_UNTIL = re.compile(r"\b(?:until|till|through)\b")
_SLIP = re.compile(
    r"\b(?:delay(?:s|ed|ing)?|postpon\w+|push(?:es|ed)? back|pushed to|mov(?:es|ed) (?:back |up )?"
    r"(?:from|to)|reschedul\w+|slips?|slipped|brought forward|brings forward|now set for|new date"
    r"|instead of|no longer|shift(?:s|ed)? (?:from|to)|extend(?:s|ed)?|re-?dat\w+|changes? date)\b"
    r"|\b(?:mov|shift|push|chang|bring|brought)\w*(?:\W+\w+){1,6}?\W+(?:from|to)\W+(?:the\W+)?(?:\d|q[1-4]|early|mid|late|next"
    r"|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)"
)
_ENDLESS = re.compile(
    r"\b(?:indefinitely|until further notice|(?:on|put on) hold|open-ended|to be (?:announced|determined)"
    r"|(?:no|without an?|not (?:name|set|give|announce)\w* an?) (?:new|later|firm|fixed) date"
    r"|(?:new|later) date (?:has|is|was) (?:not|yet to))\b"
)
_SALE = re.compile(r"\b(?:sale|presale|pre-sale|ico|ido|ieo|auction|launchpad)\b")
_WINDOW = re.compile(r"\b(?:claims?|claiming|airdrop)\b")
_ROUND = re.compile(
    r"\b(?:round|phase|season|stage|wave|batch|tranche)\s*#?(\d{1,2})\b"
    r"|\b(second|third|fourth|fifth|2nd|3rd|4th|5th)\s+(?:\w+\s+){0,2}?"
    r"(?:round|phase|season|stage|wave|batch|tranche|airdrop|sale)\b"
    r"|\b(re-?open)\w*"
)
REOPENED = "reopened"
_ORDINALS = {
    "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5,
}  # fmt: skip

VENUES = {
    "binance": "Binance", "kucoin": "KuCoin", "bybit": "Bybit", "okx": "OKX",
    "coinbase": "Coinbase", "kraken": "Kraken", "gate.io": "Gate", "gate": "Gate",
    "mexc": "MEXC", "bitget": "Bitget", "htx": "HTX", "huobi": "HTX", "upbit": "Upbit",
    "bithumb": "Bithumb", "crypto.com": "Crypto.com", "bitfinex": "Bitfinex",
    "whitebit": "WhiteBIT", "bingx": "BingX", "bitrue": "Bitrue", "bitmart": "BitMart",
    "lbank": "LBank", "bitstamp": "Bitstamp", "gemini": "Gemini", "robinhood": "Robinhood",
    "bitkub": "Bitkub", "indodax": "Indodax", "bitvavo": "Bitvavo", "hashkey": "HashKey",
    "bitflyer": "bitFlyer", "coinone": "Coinone", "korbit": "Korbit", "poloniex": "Poloniex",
    "phemex": "Phemex", "deribit": "Deribit", "bitpanda": "Bitpanda", "uniswap": "Uniswap",
    "pancakeswap": "PancakeSwap", "raydium": "Raydium", "hyperliquid": "Hyperliquid",
}  # fmt: skip
"""Names in lower case → as shown."""
_VENUE = re.compile(
    r"(?<![\w.])(" + "|".join(map(re.escape, sorted(VENUES, key=len, reverse=True))) + r")(?![\w])"
)
_NOT_NOW = re.compile(r"\b(?:futures?|perp\w*|margin|leverag\w+)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim, read for what it does to an event."""

    signal: Signal
    track: str
    """token, claim, sale or listing."""
    part: str = ""
    """Number of the round after the first, or `reopened`; distinguishes tracks of one kind."""
    venues: tuple[str, ...] = ()
    """Exchanges that a listing names."""
    date: DateClaim | None = None
    """When it is to happen, or happened; never the date that a postponement leaves behind."""
    slip: bool = False
    """Says itself that a date moves."""
    endless: bool = False
    """Is a delay for an unknown time."""
    left: DateClaim | None = None
    """The date that such a delay gives up, where it names it."""

    @property
    def key(self) -> str:
        return f"{self.track}:{self.part}" if self.part else self.track


def moment(claim: Claim) -> float:
    """Return when the statement was made: a date of publication after it was read is not true."""
    return min(claim.at, claim.seen) if claim.seen > 0 else claim.at


def suspicious(claim: Claim) -> bool:
    """Return whether signs of fraud forbid that `claim` moves an event."""
    return any(flag.name in STRONG_FLAGS for flag in claim.flags)


def statement(claim: Claim) -> Statement:
    """Return what `claim` says; depends on kind, date and the words of its text alone."""
    return _read(
        claim.title[:_TEXT].casefold(),
        claim.text[:_TEXT].casefold(),
        claim.kind,
        claim.date,
        moment(claim),
        _weight(claim),
    )


def _weight(claim: Claim) -> Signal | None:
    if suspicious(claim):
        return Signal.RUMOUR
    if claim.rumour:
        return Signal.HINT if claim.official else Signal.RUMOUR
    return None


@lru_cache(maxsize=1_024)
def _read(  # noqa: PLR0917 - the arguments are the key of the memory
    title: str, text: str, kind: Kind, date: DateClaim | None, at: float, hushed: Signal | None
) -> Statement:
    words = title or text
    track = _track(kind, words)
    part = _round(words) if track in (CLAIM, SALE) else ""
    venues = _venues(title, text) if track == LISTING else ()
    if hushed is not None:
        return Statement(hushed, track, part)
    known = date if concrete(date) else None
    if known is not None and known.end < at - BEHIND[kind is Kind.DATE_SET]:
        known = None
    ahead = known is not None and _ahead(kind, known, at)
    slip = kind is Kind.POSTPONED or _SLIP.search(words) is not None
    signal = _signal(kind, words, known, ahead=ahead, slip=slip)
    if kind is Kind.DATE_SET and track != TOKEN and ahead and not slip and _ends(words, known):
        signal = Signal.CLOSE
    endless = signal is Signal.POSTPONE and _ENDLESS.search(f"{title}\n{text}") is not None
    left = known if endless else None
    if endless or (not ahead and signal not in (Signal.DATE, Signal.OPEN)):
        known = None
    return Statement(signal, track, part, venues, known, slip, endless, left)


def _ahead(kind: Kind, date: DateClaim, at: float) -> bool:
    """Return whether `date` is to come; what is called live is so in the period that runs."""
    if date.start > at + AHEAD:
        return True
    running = date.start <= at and date.precision is not Precision.DAY
    return date.end > at + DAY and not (kind is Kind.LIVE and running)


def _track(kind: Kind, words: str) -> str:  # noqa: PLR0911 - one line a kind
    match kind:
        case Kind.AIRDROP_CLAIM:
            return CLAIM
        case Kind.TOKEN_SALE:
            return SALE
        case Kind.LISTING:
            return LISTING
        case Kind.POSTPONED | Kind.CANCELLED:
            if _SALE.search(words):
                return SALE
            if _VENUE.search(words):
                return LISTING
            return CLAIM if _WINDOW.search(words) else TOKEN
        case Kind.DATE_SET if not _TOKEN.search(words):
            if _SALE.search(words):
                return SALE
            return CLAIM if _CLAIMING.search(words) else TOKEN
        case _:
            return TOKEN


def _signal(kind: Kind, words: str, date: DateClaim | None, *, ahead: bool, slip: bool) -> Signal:
    match kind:
        case Kind.POSTPONED:
            return Signal.POSTPONE
        case Kind.CANCELLED:
            return Signal.CANCEL
        case Kind.LIVE:
            return (
                Signal.DATE
                if ahead and date is not None and date.basis != "pubdate"
                else Signal.OPEN
            )
        case Kind.ANNOUNCED | Kind.OTHER:
            return Signal.DATE if ahead else Signal.ANNOUNCE
        case Kind.DATE_SET:
            return Signal.DATE if date is not None else Signal.ANNOUNCE
        case Kind.AIRDROP_CLAIM | Kind.TOKEN_SALE | Kind.LISTING:
            return _phase(kind, words, date, ahead=ahead, slip=slip)


def _phase(  # noqa: PLR0911 - a ladder, read from the top
    kind: Kind, words: str, date: DateClaim | None, *, ahead: bool, slip: bool
) -> Signal:
    """Read whether a claim, sale or listing is to come, is open or closes."""
    opens = _OPEN.search(words)
    kept = kind is Kind.LISTING or (slip and not _EXTENDED.search(words))
    closes = None if kept else _CLOSE.search(words)
    ends = None if kept or not ahead else _ends(words, date)
    if ends or (ends is None and closes and (opens is None or closes.start() <= opens.start())):
        return Signal.CLOSE
    if ahead:
        return Signal.DATE
    if date is not None and date.basis == "pubdate":
        return Signal.OPEN
    announced = _AHEAD.search(words)
    if announced and (opens is None or announced.start() < opens.start()):
        return Signal.ANNOUNCE
    if _IMMINENT.search(words):
        return Signal.ANNOUNCE
    if opens is None and kind is Kind.TOKEN_SALE:
        return Signal.ANNOUNCE
    return Signal.OPEN


def _ends(words: str, date: DateClaim | None) -> bool | None:
    """Return whether `date` is when what opens closes; None where the words before it do not say."""
    place = -1 if date is None or not date.text else words.find(date.text.casefold())
    if place < 0:
        return None
    opens = max((m.end() for m in _OPEN.finditer(words, 0, place)), default=-1)
    limits = (*_CLOSE.finditer(words, 0, place), *_UNTIL.finditer(words, 0, place))
    ends = max((m.end() for m in limits), default=-1)
    return None if opens < 0 and ends < 0 else ends > opens


def _round(words: str) -> str:
    found = _ROUND.search(words)
    if not found:
        return ""
    if found.group(3):
        return REOPENED
    number = int(found.group(1)) if found.group(1) else _ORDINALS[found.group(2)]
    return str(number) if number > 1 else ""


def _venues(title: str, text: str) -> tuple[str, ...]:
    if _NOT_NOW.search(title):
        return ()
    found = _VENUE.findall(title) or _VENUE.findall(text)
    return tuple(dict.fromkeys(VENUES[name] for name in found))
