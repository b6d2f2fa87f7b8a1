"""Text to fit and score detection on: labelled lines, and invented ones made from sheets."""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from tgewatch.detect.truth import Truth, truth_of

SHEETS = Path(__file__).parent / "training"
INVENTED, INVENTED_AT = "invented", "2025-06-10T00:00:00Z"


def read(path: Path) -> Sequence[Truth]:
    """Return the labelled lines of a file with the fields of the corpus."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [truth_of(json.loads(x), number=n) for n, x in enumerate(lines, 1) if x.strip()]


def is_invented(truth: Truth) -> bool:
    return truth.item.source == INVENTED


def bucket(group: str, count: int, salt: str) -> int:
    """Return a number below `count` that depends on the group alone."""
    return int(hashlib.sha256(f"{salt}{group}".encode()).hexdigest(), 16) % count


def groups(rows: Sequence[Truth]) -> list[str]:
    """Return for each row what must not be on both sides of a fold: project, ticker or itself.

    A negative that names a labelled project belongs to that project's group.
    """
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    names = {}
    for row in rows:
        if row.project:
            name = re.sub(r"\s*\(.*", "", row.project).lower()
            names[name] = re.compile(rf"\b{re.escape(name)}\b")
            if len(row.ticker) > 1:
                parent[root(f"p:{name}")] = root(f"t:{row.ticker.lower()}")
    found = []
    for row in rows:
        name = re.sub(r"\s*\(.*", "", row.project).lower()
        if not name:
            low = row.item.title.lower()
            name = next((n for n, p in names.items() if len(n) > 3 and p.search(low)), "")
        found.append(root(f"p:{name}") if name else f"i:{row.item.key}")
    return found


LIKE = 60
"""Likeness, of 100, from which an invented line counts as a version of a labelled title."""
FEWEST_WORDS = 4


class Likeness:
    """Which invented lines are so like a labelled title that they would give its label away.

    Sheets are written by people who have read labelled text, so some lines are its echo. A score
    on text "never seen" must be taken without them: they are left out with the title they echo.
    """

    def __init__(self, rows: Sequence[Truth]) -> None:
        lines = dict(_lines())
        self._lines = {key: number for number, key in enumerate(lines)}
        self._rows = {r.id: number for number, r in enumerate(rows)}
        plain = [_plain(re.sub(r"\{\w+\}", " ", line)) for line in lines.values()]
        self._near = (
            process.cdist(
                [_plain(r.item.title) for r in rows],
                plain,
                scorer=fuzz.token_sort_ratio,
                dtype=np.uint8,
            )
            >= LIKE
        )
        self._near[:, [len(p.split()) < FEWEST_WORDS for p in plain]] = False

    def kept(self, made: Sequence[Truth], held: Iterable[Truth]) -> list[int]:
        """Return the indices of the invented texts that echo none of the `held` ones."""
        echo = self._near[[self._rows[r.id] for r in held]].any(axis=0)
        return [i for i, r in enumerate(made) if not echo[self._lines[r.id.rpartition(":")[0]]]]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z ]", " ", text.lower()).split())


def _lines() -> Iterator[tuple[str, str]]:
    """Yield the key and the title of each line of the sheets, slots unfilled."""
    for sheet in sorted(SHEETS.glob("*.txt")):
        for number, line in enumerate(sheet.read_text(encoding="utf-8").splitlines()):
            if line.strip() and not line.startswith("# "):
                text = line.removeprefix("lo ").rpartition(" | ")[2]
                yield f"{sheet.stem}:{number}", text.partition(" || ")[0]


# --- invented text ------------------------------------------------------------------------

NAMES = (
    "Zentrix Lumora Quarvo Velthar Nimbora Oxalis Tranzo Kelvara Brixon Sorvia Pyrelle Dantic Fluxara "
    "Orbiq Meltora Hyvex Cindral Vaultis Jorvik Plinth Astrovia Kindler Noctra Zephyra Rollmint "
    "Duskara Glintex Parallix Omnara Swiftel Tessvane Bromly Quillon Havenly Merrow Pollux9 Ketterly "
    "Ondaro Vireon Sablex Thimbus Gravion Yondal Rookery Corvane Emberix Fenwick Halcyra Ivoryx "
    "Jubilo Karnax Lodestra Mistral8 Nettlex Ostrava Perigon Quasira Ravella Soltera Tuvano Ulmara "
    "Vantiq Wexley Xandria Yarrowfi Zilverra DropZen AeroMesh PayVine SwapNest DataForj GridPulse "
    "MintHive LendOtter ChainOwl BitFerry zkHarbor zkLoom opNest 3Rivers Layer7 Web0 Nodable Hashling"
).split()
ODD_NAMES = (
    "Magic Lantern,Open Harbor,Grove,Ember,Pixel Farm,Tidal Network,Aurora Labs,Copper Protocol,"
    "Meadow Finance,North Chain,Lantern,Spark Plug,Loop.fun,mint.box,Quill AI,Anchor Bay,Nova Games,"
    "Echo Wallet,Cove,Drift Kings,Velvet,Summit,Harvest Moon,Paper Planes,River,Bloom Network,"
    "Canopy Protocol,Tundra Labs,Beacon Exchange,Orchard DAO,Slate Finance,Pebble,Falcon Street,"
    "Mango Grove,Fable,Compass,Hearth,Driftwood,Signal Fire,Kite AI,Forge World,Atlas Run,Prism,"
    "Cedar Network,Lumen Chain,Gentle Giants,Hamster Arena,Cat Republic,Pocket Kingdom,Moon Bakery,"
    "Ripple Creek,Juno Street,Cloud Nine,Marble,Violet Protocol,Zeta Mesh,Opal Swap,Delta Foundry,"
    "Oracle of Oaks,Second Sun,Bridge Street,Ink,Mosaic,Walnut,Thread,Vessel,Saffron,Tempo Labs,"
    "arcade.xyz,quill.trade,dune-9,reya.fi,bento.zone,Stone & Sky,House of Foxes"
).split(",")
EXCHANGES = "Binance Bybit OKX KuCoin Coinbase Bitget Upbit Kraken Gate.io MEXC".split()
CHAINS = "Solana,Ethereum,Base,TON,BNB Chain,Avalanche,Sui,Aptos,Arbitrum".split(",")
OLD = (
    "Solana SOL,Cardano ADA,XRP XRP,Dogecoin DOGE,Chainlink LINK,Avalanche AVAX,Shiba Inu SHIB,"
    "Polkadot DOT,Pepe PEPE,Aave AAVE,Uniswap UNI,Render RENDER,Injective INJ,Arbitrum ARB,"
    "Bonk BONK,Stellar XLM,Ethereum ETH,Optimism OP"
).split(",")
PEOPLE = "Javier Milano,Dan Kessler,Marta Oyelaran,Tony Brandt,Elena Voss".split(",")
DAYS = [
    f"{m} {d}" for m in "January March June Oct. Nov September".split() for d in (3, 12, 20, 28)
]
MONTHS = "March July November Q3".split()
QUARTERS = "Q1 2025,Q3 2025,Q4,the second quarter".split(",")


def invented(*, times: int, seed: int) -> Iterator[Truth]:
    """Yield every line of the sheets `times` times, with other names in its slots each time."""
    chance = random.Random(seed)
    for sheet in sorted(SHEETS.glob("*.txt")):
        for number, line in enumerate(sheet.read_text(encoding="utf-8").splitlines()):
            if line.strip() and not line.startswith("# "):
                for time in range(times):
                    yield _made(sheet.stem, f"{sheet.stem}:{number}:{time}", line, chance)


def _made(sheet: str, key: str, line: str, chance: random.Random) -> Truth:
    post, relevant = sheet.startswith("post"), sheet.endswith("positive")
    sure = not line.startswith("lo ")
    kind, text = "none", line.removeprefix("lo ")
    if relevant:
        kind, _, text = text.partition(" | ")
    text, project, ticker = filled(text.strip(), chance)
    title, _, summary = text.replace("\\n", "\n").partition(" || ")
    row = {
        "id": key, "type": "tweet" if post else "news", "published": INVENTED_AT, "title": title,
        "text": summary, "tge_relevant": int(relevant), "confidence": "hi" if sure else "lo",
        "event_kind": kind.strip(), "project": project, "ticker": ticker,
    }  # fmt: skip
    truth = truth_of(row)
    return replace(truth, item=replace(truth.item, source=INVENTED))


def filled(text: str, chance: random.Random) -> tuple[str, str, str]:
    """Return `text` with its slots filled, and the project and ticker that fill them."""
    project, other = chance.choice(NAMES + ODD_NAMES), chance.choice(NAMES)
    ticker = re.sub(r"[^A-Z]", "", project.upper())[: chance.choice((3, 4, 5))]
    last_old = ""

    def slot(match: re.Match[str]) -> str:
        nonlocal last_old
        name = match[1]
        if name in ("O", "OT"):
            last_old = chance.choice(OLD) if name == "O" or not last_old else last_old
            full, _, short = last_old.rpartition(" ")
            if name == "OT":
                last_old = ""
            return full if name == "O" else short
        choices: dict[str, Iterable[str]] = {
            "P": (project,), "Q": (other,), "T": (ticker,), "X": EXCHANGES, "C": CHAINS,
            "N": PEOPLE, "D": DAYS, "M": MONTHS, "Y": QUARTERS,
            "H": (f"{project.replace(' ', '').lower()}_xyz",), "H2": (other.lower(),),
        }  # fmt: skip
        return chance.choice(tuple(choices[name]))

    return re.sub(r"\{(\w+)\}", slot, text).replace("$$", "$"), project, ticker
