"""What there is to say of X in a line or a table."""

from typing import TYPE_CHECKING, Any

from tgewatch.cli.output import print_rows, say

if TYPE_CHECKING:
    from tgewatch.settings import Settings


def off_line(settings: "Settings") -> str:
    """Return how to turn X on, when it is off and there is somebody to read there; else nothing."""
    from tgewatch.rules.x_plan import accounts  # noqa: PLC0415 - `--help` needs none of it

    number = len(accounts(settings.companies))
    if settings.x.token or not number:
        return ""
    return (
        f"X is off, where {number} companies have accounts: put a bearer token into"
        " TGEWATCH_X__TOKEN, or name it with [x] token_env or token_file."
    )


def plan_line(settings: "Settings") -> str:
    """Return what X will be asked."""
    from tgewatch.rules import x_plan  # noqa: PLC0415 - as above
    from tgewatch.rules.spending import Level  # noqa: PLC0415 - as above
    from tgewatch.rules.x_strategy import choose  # noqa: PLC0415 - as above

    x = settings.x
    accounts = x_plan.accounts(settings.companies)
    if not x.token:
        return "off"
    shards = x_plan.by_search(settings.companies, x, {}, search_all=False, pace=x.cycle).shards
    rules = x_plan.rules(settings.companies, x, keywords=True)
    reason = choose(x, {}, level=Level.ALL).reason
    return (
        f"{len(accounts)} accounts: {reason} ({len(rules)} rules, {len(shards)} searches);"
        f" budget {x.budget:g} dollars a month"
    )


def print_status(status: dict[str, Any], now: float) -> None:
    """Print how the reading of X does, query by query."""
    from tgewatch.rules.durations import spell  # noqa: PLC0415 - as above

    print_rows(
        ("query to X", "accounts", "next", "calls", "posts", "problem"),
        [
            (
                shard["name"],
                shard["accounts"] or "-",
                f"in {spell(shard['next_poll'] - now)} because {shard['because']}"
                if shard["next_poll"] > now
                else "now",
                shard["calls"],
                shard["posts"],
                shard["error"] or "",
            )
            for shard in status["shards"]
        ],
        title=f"X: {status['strategy']}",
    )
    say(
        f"X: {status['strategy']}. Stream: {status['stream']}. Keywords: {status['keywords']}."
        f" Money: {status['saving']}. As of {spell(now - status['at'])} ago."
    )
