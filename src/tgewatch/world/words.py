"""What outlets write: headlines and bodies of every kind of story, with gaps to fill.

Gaps: {p} project, {t} ticker, {d} date, {o} old date, {v} venue, {n} a number, {q} a bystander.
"""

BEATS: dict[str, tuple[tuple[str, str], ...]] = {
    "rumoured": (
        ("{p} could launch a token this year, traders speculate", "Nothing has been confirmed by the team behind {p}. Users on a prediction market put the odds at {n} %."),
        ("Will {p} do an airdrop? Here is what the rumours say", "Unnamed sources expect a {p} token, but the team has not commented."),
    ),
    "announced": (
        ("{p} confirms {t} token and airdrop for early users", "{p} has confirmed that it will launch its native token, {t}. A share of {n} % of the supply is set aside for an airdrop. No date was given."),
        ("{p} unveils tokenomics for its upcoming {t} token", "The foundation behind {p} published the tokenomics of {t}, ahead of the token generation event. {n} % goes to the community."),
        ("{p} announces plans to launch native token {t}", "The team said that the {t} token will govern {p}. Details of the token generation event follow later."),
        ("{p} takes airdrop snapshot, reveals {t} token", "A snapshot for the {t} airdrop has been taken, {p} said. The token has not launched yet."),
    ),
    "dated": (
        ("{p} sets {t} token launch for {d}", "{p} will hold its token generation event on {d}, the foundation announced. {t} will be transferable from the first minute."),
        ("{p} to launch {t} token on {d}", "The {t} token generation event is scheduled for {d}. Trading is expected to start the same day."),
        ("{t} TGE scheduled for {d}, {p} says", "{p} fixed the date of its token generation event: {d}."),
        ("{p} token generation event will take place on {d}", "After months of waiting, {p} has put a date on its {t} token: {d}."),
    ),
    "slipped": (
        ("{p} postpones {t} token launch from {o} to {d}", "The token generation event of {p} will not happen on {o}. The new date is {d}, the team said, citing an audit."),
        ("{p} delays {t} TGE to {d}", "{p} has pushed back its token generation event. It was planned for {o} and will now take place on {d}."),
        ("{t} launch delayed: {p} moves token generation event to {d}", "The launch of {t} has been delayed until {d}; {o} was too early, {p} said."),
    ),
    "live": (
        ("{p} token {t} is now live", "{t}, the token of {p}, is live and trading. The token generation event took place this morning."),
        ("{p} launches {t} token as trading begins on {v}", "Trading of {t} has begun on {v}. {p} completed its token generation event today."),
        ("{t} goes live: {p} completes token generation event", "{p} has launched its token. {t} can be traded from now on."),
        ("{p} debuts {t} token, {n} % of supply airdropped", "The {t} token of {p} launched today after its token generation event."),
    ),
    "claim": (
        ("{p} opens {t} airdrop claim for eligible users", "Eligible users can claim {t} from today, {p} said. The claim window of the airdrop is open for 30 days."),
        ("{t} airdrop claim is live, {p} confirms", "{p} opened the claim portal for the {t} airdrop of its new token."),
    ),
    "listed": (
        ("{v} lists {p} ({t}) after token launch", "{v} opened spot trading for the new token {t} of {p} hours after its token generation event."),
        ("{p} token {t} gets listed on {v}", "{t} starts trading on {v} today, following the launch of {p}'s token."),
    ),
    "postponed": (
        ("{p} postpones {t} token launch indefinitely", "{p} will not hold its token generation event on {o}. A new date has not been set, the team said."),
        ("{p} puts {t} TGE on hold", "The token generation event of {p}, planned for {o}, is postponed until further notice."),
        ("{t} launch delayed: {p} needs more time", "{p} has postponed the launch of {t}. The team did not name a new date."),
    ),
    "redated": (
        ("{p} sets new date for {t} launch: {d}", "After the delay, {p} will hold its token generation event on {d}."),
        ("{p} reschedules {t} token generation event to {d}", "The token generation event of {p} will now take place on {d}, the team said."),
    ),
    "sale": (
        ("{p} opens public sale of {t} token", "The public token sale of {p} is open from today. {n} % of the supply of {t} is on offer."),
        ("{p} kicks off {t} token sale", "{p} has started the sale of its {t} token. It is open to everybody for a week."),
    ),
    "on_binance": (
        ("Binance lists {p} ({t})", "Binance has opened trading for {t}, the token of {p}."),
        ("{p} token {t} gets listed on Binance", "{t} starts trading on Binance today."),
    ),
    "on_kucoin": (
        ("KuCoin lists {p} ({t})", "KuCoin has opened trading for {t}, the token of {p}."),
        ("{p} token {t} gets listed on KuCoin", "{t} starts trading on KuCoin today."),
    ),
    "on_bybit": (
        ("Bybit lists {p} ({t})", "Bybit has opened trading for {t}, the token of {p}."),
        ("{p} token {t} gets listed on Bybit", "{t} starts trading on Bybit today."),
    ),
    "cancelled": (
        ("{p} cancels {t} token launch", "{p} has called off its token generation event. There will be no {t} token, the team said."),
    ),
}  # fmt: skip

NEGATIVES: tuple[tuple[str, str], ...] = (
    ("{q} unlocks {n} million tokens worth a fortune", "The scheduled unlock releases tokens to early investors of {q}, whose token launched years ago."),
    ("{q} price jumps {n} % as traders await rate decision", "The token of {q} rallied with the market; analysts see resistance ahead."),
    ("Top {n} airdrops to farm this month", "A list of projects that may or may not reward their users one day."),
    ("What is an airdrop? A guide for beginners", "Airdrops explained: how projects distribute tokens and what to look out for."),
    ("{v} adds perpetual futures for {q}", "The derivative is available with up to {n}x leverage. The token has traded for years."),
    ("{q} ETF decision delayed by regulator", "The regulator will take {n} more days to decide on the fund."),
    ("{q} burns {n} million tokens", "The burn reduces the supply of a token that has been trading since long ago."),
    ("Hackers promise fake airdrop to {q} holders", "Wallets were drained through a phishing site, security researchers warn."),
    ("{q} launches testnet for developers", "The test network has no token of value; developers can try it from today."),
    ("Court lets creditors of {q} file claims", "The bankruptcy court opened the portal through which creditors claim their losses."),
)  # fmt: skip

NOISE: tuple[tuple[str, str], ...] = (
    ("{q} appoints new head of engineering", "The company has hired a manager from the payments industry."),
    ("Regulator publishes guidance on custody", "The paper has {n} pages and takes effect next year."),
    ("{q} reports record quarterly volume", "Volume rose by {n} % compared with last year."),
    ("Bitcoin holds steady as markets await data", "The largest cryptocurrency moved less than {n} % in a day."),
    ("{q} partners with bank on cross-border payments", "A pilot with {n} merchants begins in spring."),
    ("Developers discuss upgrade at community call", "The proposal would change fees; a vote follows in {n} weeks."),
    ("{q} raises {n} million dollars in funding round", "The round was led by a venture fund; the money goes into hiring."),
    ("Mining difficulty reaches a new high", "The network adjusted by {n} % on Monday."),
    ("Opinion: wallets have to get simpler", "A columnist argues that {n} clicks are too many."),
    ("{q} security review finds no critical issues", "The report lists {n} minor remarks."),
)  # fmt: skip

CLOSING = (
    "The company did not answer further questions.",
    "Observers had expected the step.",
    "More details are to follow on the project's blog.",
    "The market reacted calmly.",
)
