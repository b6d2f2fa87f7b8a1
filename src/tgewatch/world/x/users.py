"""Endpoints that return accounts."""

from typing import Any

from tgewatch.world.x.asking import NAME, Asking, path_id
from tgewatch.world.x.fields import USER_FIELDS, write_account
from tgewatch.world.x.posts import Account
from tgewatch.world.x.problems import bad, missing
from tgewatch.world.x.service import Call, Service

_MANY = {"user.fields", "expansions", "tweet.fields", "post.fields"}


def by_names(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/users/by: up to 100 names; those that are nobody's come as errors beside the data."""
    asking = Asking(call.query, {"usernames", *_MANY})
    asking.text("usernames")
    names = asking.words("usernames")
    for name in names:
        if not NAME.fullmatch(name):
            raise bad(
                "usernames",
                name,
                f"The `usernames` query parameter value [{name}] does not match"
                " ^[A-Za-z0-9_]{1,15}$",
            )
    found = {name: service.archive.named(name) for name in names}
    return _many(service, call, asking, found, "usernames")


def by_ids(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/users: up to 100 ids."""
    asking = Asking(call.query, {"ids", *_MANY})
    asking.text("ids")
    ids = asking.words("ids")
    found = {one: service.archive.accounts.get(path_id(one)) for one in ids}
    return _many(service, call, asking, found, "ids")


def by_name(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/users/by/username/:username."""
    name = call.path["username"]
    if not NAME.fullmatch(name):
        raise bad("username", name, f"The `username` query parameter value [{name}] is not valid")
    return _one(service, call, name, service.archive.named(name), "username")


def by_id(service: Service, call: Call) -> dict[str, Any]:
    """GET /2/users/:id."""
    number = path_id(call.path["id"])
    return _one(service, call, str(number), service.archive.accounts.get(number), "id")


def _one(
    service: Service, call: Call, value: str, account: Account | None, parameter: str
) -> dict[str, Any]:
    asking = Asking(call.query, _MANY)
    answer = _many(service, call, asking, {value: account}, parameter)
    if "data" in answer:
        answer["data"] = answer["data"][0]
    return answer


def _many(
    service: Service,
    call: Call,
    asking: Asking,
    found: dict[str, Account | None],
    parameter: str,
) -> dict[str, Any]:
    fields = asking.words("user.fields", USER_FIELDS)
    accounts = [one for one in found.values() if one is not None and not one.suspended]
    errors = [
        missing("user", parameter, value, suspended=one is not None)
        for value, one in found.items()
        if one is None or one.suspended
    ]
    service.meter.users((one.id for one in accounts), call.now)
    answer: dict[str, Any] = {}
    if accounts:
        answer["data"] = [write_account(one, fields) for one in accounts]
    if errors:
        answer["errors"] = errors
    return answer
