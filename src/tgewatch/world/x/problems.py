"""What the service answers when it refuses."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

TYPES = "https://api.twitter.com/2/problems/"


class ProblemError(Exception):
    """Ends a request with a status and a body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {body.get('title', '')}")
        self.status = status
        self.body = body


def invalid(messages: Sequence[str], parameters: Mapping[str, Sequence[str]]) -> ProblemError:
    """Return the answer to a request that can never be right."""
    errors = [
        {"parameters": {k: list(v) for k, v in parameters.items()}, "message": message}
        for message in messages
    ]
    return ProblemError(
        400,
        {
            "errors": errors,
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": TYPES + "invalid-request",
        },
    )


def bad(parameter: str, value: str, message: str) -> ProblemError:
    return invalid([message], {parameter: [value]})


def unauthorized() -> ProblemError:
    return ProblemError(401, blank(401, "Unauthorized", "Unauthorized"))


def forbidden(reason: str) -> ProblemError:
    body = blank(403, "Client Forbidden", "This request must be made by an enrolled client.")
    return ProblemError(
        403,
        {**body, "type": TYPES + "client-forbidden", "reason": reason, "client_id": "1",
         "required_enrollment": "Appropriate Level of API Access"},
    )  # fmt: skip


def not_found(path: str) -> ProblemError:
    return ProblemError(404, blank(404, "Not Found", f"No route for {path}"))


def usage_capped() -> ProblemError:
    return ProblemError(
        429,
        {
            "account_id": 1,
            "product_name": "pay-per-use",
            "title": "UsageCapExceeded",
            "period": "Monthly",
            "scope": "Product",
            "detail": "Usage cap exceeded: Monthly product cap",
            "type": TYPES + "usage-capped",
        },
    )


def rate_limited(*, old: bool) -> ProblemError:
    """Return one of the two bodies that have been seen for the same thing."""
    if old:
        return ProblemError(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]})
    return ProblemError(429, blank(429, "Too Many Requests", "Too Many Requests"))


def connection_refused(status: int, issue: str, detail: str) -> ProblemError:
    """Return why a stream cannot be opened."""
    return ProblemError(
        status,
        {
            "title": "ConnectionException",
            "detail": detail,
            "connection_issue": issue,
            "type": TYPES + "streaming-connection",
        },
    )


def disconnected(kind: str) -> dict[str, Any]:
    """Return what a stream says before it ends."""
    return {
        "errors": [
            {
                "title": "operational-disconnect",
                "disconnect_type": kind,
                "detail": "This stream has been disconnected for operational reasons.",
                "type": TYPES + "operational-disconnect",
            }
        ]
    }


def missing(kind: str, parameter: str, value: str, *, suspended: bool = False) -> dict[str, Any]:
    """Return what stands in `errors` beside the data that could be returned."""
    detail = (
        f"User has been suspended: [{value}]."
        if suspended
        else f"Could not find {kind} with {parameter}: [{value}]."
    )
    return {
        "value": value,
        "resource_id": value,
        "resource_type": kind,
        "parameter": parameter,
        "title": "Forbidden" if suspended else "Not Found Error",
        "detail": detail,
        "type": TYPES + "resource-not-found",
    }


def blank(status: int, title: str, detail: str) -> dict[str, Any]:
    return {"title": title, "type": "about:blank", "status": status, "detail": detail}


def encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
