"""The filtered stream and its rules, activity subscriptions, and the list of connections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tgewatch.world.x.asking import SHAPE, Asking, wanted_of
from tgewatch.world.x.fields import Wanted, stamp, write_post
from tgewatch.world.x.posts import Post
from tgewatch.world.x.problems import (
    TYPES,
    ProblemError,
    bad,
    connection_refused,
    encode,
    missing,
)
from tgewatch.world.x.query import STREAM, Query
from tgewatch.world.x.service import Call, Service
from tgewatch.world.x.stream import END, Connection, Stream, describe

FILTERED = "GET /2/tweets/search/stream"
ACTIVITY = "GET /2/activity/stream"
SUBSCRIPTIONS = 1_500
BATCH = 1_000
"""Rules in one request."""
TAG = 100
Opening: TypeAlias = Callable[[Call], dict[str, Any] | Connection]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the filtered stream."""

    id: str
    value: str
    tag: str
    query: Query

    def shown(self) -> dict[str, str]:
        data = {"id": self.id, "value": self.value}
        return {**data, "tag": self.tag} if self.tag else data


@dataclass(slots=True)
class _Subscription:
    id: str
    user: int
    event_type: str
    tag: str
    made: float

    def shown(self) -> dict[str, Any]:
        return {
            "subscription_id": self.id,
            "event_type": self.event_type,
            "filter": {"user_id": str(self.user)},
            "created_at": stamp(self.made),
            "tag": self.tag,
        }


@dataclass(slots=True)
class Streams:
    """What the endpoints around streams know."""

    service: Service
    filtered: Stream
    activity: Stream
    rules: dict[str, Rule] = field(default_factory=dict)
    subscriptions: dict[str, _Subscription] = field(default_factory=dict)
    _made: int = 0

    def handlers(self) -> Mapping[str, Opening]:
        """Return endpoint → what answers it."""
        return {
            FILTERED: self.open_filtered,
            "GET /2/tweets/search/stream/rules": self.list_rules,
            "POST /2/tweets/search/stream/rules": self.change_rules,
            ACTIVITY: self.open_activity,
            "GET /2/activity/subscriptions": self.list_subscriptions,
            "POST /2/activity/subscriptions": self.subscribe,
            "DELETE /2/activity/subscriptions/:id": self.unsubscribe,
            "GET /2/connections": self.list_connections,
            "DELETE /2/connections": self.kill_connections,
            "DELETE /2/connections/:endpoint_id": self.kill_connections,
        }

    # --- the filtered stream --------------------------------------------------------------

    def open_filtered(self, call: Call) -> Connection:
        """Open the stream; backfill and recovery are another product's parameters."""
        wanted = wanted_of(Asking(call.query, SHAPE | {call.spelling.fields}), call.spelling)
        if not self.rules:
            raise connection_refused(
                409,
                "RuleConfigurationIssue",
                "Expected rules to be configured before connecting: no rules are defined.",
            )
        return self.filtered.connect(call.token, lambda post, now: self._frame(post, now, wanted))

    def _frame(self, post: Post, now: float, wanted: Wanted) -> bytes | None:
        scene = self.service.scene(now, stream=True)
        matching = [rule for rule in self.rules.values() if rule.query.matches(scene, post)]
        if not matching:
            return None
        self.service.bill((post.id,), now)
        return (
            encode(
                {
                    "data": write_post(post, self.service.archive, wanted, now),
                    "matching_rules": [{"id": rule.id, "tag": rule.tag} for rule in matching],
                }
            )
            + END
        )

    def list_rules(self, call: Call) -> dict[str, Any]:
        asking = Asking(call.query, {"ids", "max_results", "pagination_token"})
        ids = asking.words("ids", most=BATCH)
        shown = [rule.shown() for rule in self.rules.values() if not ids or rule.id in ids]
        answer: dict[str, Any] = {"data": shown} if shown else {}
        return {**answer, "meta": {"sent": stamp(call.now), "result_count": len(shown)}}

    def change_rules(self, call: Call) -> dict[str, Any]:
        """Add or delete rules; with `dry_run` only say what would come of it."""
        asking = Asking(call.query, {"dry_run", "delete_all"})
        dry = asking.flag("dry_run")
        body = call.body if isinstance(call.body, dict) else {}
        self.filtered.advance()
        if isinstance(body.get("add"), list) and len(body) == 1:
            return self._add_rules(body["add"][:BATCH], call.now, dry=dry)
        if isinstance(body.get("delete"), dict) and len(body) == 1:
            return self._delete_rules(body["delete"], call.now, dry=dry)
        raise bad("add", "", "Exactly one of `add` and `delete` must be given in a JSON body")

    def _add_rules(self, entries: list[Any], now: float, *, dry: bool) -> dict[str, Any]:
        made: list[Rule] = []
        errors: list[dict[str, Any]] = []
        known = {rule.value: rule for rule in self.rules.values()}
        invalid = 0
        for entry in entries:
            value, tag = _entry(entry)
            try:
                query = self.service.query(value, self.service.product.rule_length, where=STREAM)
            except ProblemError as problem:
                invalid += 1
                errors.append(_invalid_rule(value, problem))
                continue
            if value in known:
                errors.append(_duplicate(value, known[value].id))
                continue
            if len(self.rules) + len(made) >= self.service.product.rules:
                errors.append(_rules_cap(value, self.service.product.rules))
                continue
            self._made += 1
            rule = Rule(str(1_800_000_000_000_000_000 + self._made), value, tag, query)
            known[value] = rule
            made.append(rule)
        if not dry:
            self.rules |= {rule.id: rule for rule in made}
        summary = {
            "created": len(made),
            "not_created": len(entries) - len(made),
            "valid": len(entries) - invalid,
            "invalid": invalid,
        }
        answer: dict[str, Any] = {"meta": {"sent": stamp(now), "summary": summary}}
        if made:
            answer["data"] = [rule.shown() for rule in made]
        if errors:
            answer["errors"] = errors
        return answer

    def _delete_rules(self, wanted: dict[str, Any], now: float, *, dry: bool) -> dict[str, Any]:
        ids = _texts(wanted.get("ids"))
        values = set(_texts(wanted.get("values")))
        ids += [rule.id for rule in self.rules.values() if rule.value in values]
        found = [one for one in dict.fromkeys(ids) if one in self.rules]
        absent = [one for one in ids if one not in self.rules]
        if not dry:
            for one in found:
                del self.rules[one]
        summary = {"deleted": len(found), "not_deleted": len(absent)}
        answer: dict[str, Any] = {"meta": {"sent": stamp(now), "summary": summary}}
        if absent:
            answer["errors"] = [missing("rule", "ids", one) for one in absent]
        return answer

    # --- activity -------------------------------------------------------------------------

    def open_activity(self, call: Call) -> Connection:
        """Open the stream of events; what is subscribed to may change while it is open."""
        Asking(call.query, frozenset())
        return self.activity.connect(call.token, self._event)

    def _event(self, post: Post, now: float) -> bytes | None:
        for one in self.subscriptions.values():
            if one.user == post.author and one.event_type == "post.create":
                self.service.meter.events((post.id,), now)
                fields = Wanted(post=frozenset({"author_id", "created_at", "note_tweet"}))
                payload = write_post(post, self.service.archive, fields, now)
                return (
                    encode(
                        {
                            "data": {
                                "event_uuid": f"{one.id}-{post.id}",
                                "event_type": one.event_type,
                                "filter": {"user_id": str(one.user)},
                                "tag": one.tag,
                                "payload": payload,
                            }
                        }
                    )
                    + END
                )
        return None

    def subscribe(self, call: Call) -> dict[str, Any]:
        body = call.body if isinstance(call.body, dict) else {}
        chosen = body.get("filter")
        user = str(chosen.get("user_id", "")) if isinstance(chosen, dict) else ""
        if not user.isdecimal():
            raise bad("filter", user, "filter.user_id must be the id of an account")
        if str(body.get("event_type")) not in {"post.create", "profile.update.bio"}:
            raise bad("event_type", str(body.get("event_type")), "not a known event type")
        if len(self.subscriptions) >= SUBSCRIPTIONS:
            raise bad("filter", user, f"at most {SUBSCRIPTIONS} subscriptions are allowed")
        self._made += 1
        made = _Subscription(
            str(self._made), int(user), str(body["event_type"]), str(body.get("tag", "")), call.now
        )
        self.subscriptions[made.id] = made
        return {
            "data": {"subscription": made.shown()},
            "meta": {"total_subscriptions": len(self.subscriptions)},
        }

    def list_subscriptions(self, call: Call) -> dict[str, Any]:
        Asking(call.query, {"max_results", "pagination_token"})
        shown = [one.shown() for one in self.subscriptions.values()]
        return {"data": shown, "meta": {"total_subscriptions": len(shown)}}

    def unsubscribe(self, call: Call) -> dict[str, Any]:
        gone = self.subscriptions.pop(call.path["id"], None)
        return {
            "data": {"deleted": gone is not None},
            "meta": {"total_subscriptions": len(self.subscriptions)},
        }

    # --- connections ----------------------------------------------------------------------

    def list_connections(self, call: Call) -> dict[str, Any]:
        Asking(call.query, {"status", "endpoints", "max_results", "connection.fields"})
        shown = [
            describe(one, stream.name, stamp)
            for stream in (self.filtered, self.activity)
            for one in stream.held(call.token)
        ]
        return {"data": shown, "meta": {"result_count": len(shown)}}

    def kill_connections(self, call: Call) -> dict[str, Any]:
        """End the connections of a stream, of all (`all`), or those whose ids the body names."""
        name = call.path.get("endpoint_id", "")
        body = call.body if isinstance(call.body, dict) else {}
        uuids = set(_texts(body.get("uuids")))
        killed: list[Connection] = []
        for stream in (self.filtered, self.activity):
            if name in {"all", stream.name} or uuids & {o.id for o in stream.held(call.token)}:
                killed += stream.kill(call.token)
        return {
            "data": {
                "successful_kills": len(killed),
                "failed_kills": 0,
                "results": [{"uuid": one.id, "success": True} for one in killed],
            }
        }


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _entry(entry: Any) -> tuple[str, str]:
    """Return value and tag of a rule; empty for what is none."""
    if not isinstance(entry, dict):
        return "", ""
    value, tag = entry.get("value"), entry.get("tag")
    return value if isinstance(value, str) else "", tag[:TAG] if isinstance(tag, str) else ""


def _invalid_rule(value: str, problem: ProblemError) -> dict[str, Any]:
    details = [error["message"] for error in problem.body["errors"]]
    return {
        "value": value,
        "details": details,
        "title": "UnprocessableEntity",
        "type": TYPES + "invalid-rules",
    }


def _duplicate(value: str, known: str) -> dict[str, Any]:
    return {
        "value": value,
        "id": known,
        "title": "DuplicateRule",
        "type": TYPES + "duplicate-rules",
    }


def _rules_cap(value: str, most: int) -> dict[str, Any]:
    return {
        "value": value,
        "title": "RulesCap",
        "detail": f"The number of rules is capped at {most}.",
        "type": TYPES + "rule-cap",
    }
