"""Asks an OpenAI- or Anthropic-compatible endpoint, through the transport and its guard."""

from collections.abc import Mapping

from tgewatch.detect.advice import Advice, Question, advice_of, body_of
from tgewatch.errors import MalformedError, RefusedError, TransientError
from tgewatch.fetch.caller import HttpCaller
from tgewatch.rules.retry_after import retry_after
from tgewatch.settings.second_opinion import SecondOpinionSettings

OK = 200
AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same question may be answered later."""
BODY_LIMIT = 65_536
"""Bytes of an answer."""


class HttpAdviser:
    """One endpoint. Asks once: no retry, no redirect followed; keeps nothing."""

    def __init__(self, caller: HttpCaller, settings: SecondOpinionSettings) -> None:
        self._caller = caller
        self._settings = settings

    def __repr__(self) -> str:
        return f"<HttpAdviser {self._settings.style} {self._settings.model}>"

    async def ask(self, question: Question) -> Advice:
        """Return the endpoint's answer.

        Raises TransientError (`retry_after` when named), RefusedError when it will not answer
        however often it is asked, and MalformedError for an answer that cannot be used. None of
        them quotes key, question or answer.
        """
        chosen = self._settings
        answer = await self._caller.call(
            "POST",
            chosen.url,
            headers=self._headers(),
            body=body_of(
                question,
                style=chosen.style,
                model=chosen.model,
                tokens=chosen.tokens,
                tokens_key=chosen.tokens_key,
            ),
            seconds=chosen.deadline,
        )
        if answer.status != OK:
            raise _refusal(answer.status, answer.headers, answer.received)
        if len(answer.body) > BODY_LIMIT:
            raise MalformedError("the answer is too large", cause="opinion_too_large")
        return advice_of(answer.body, style=chosen.style, model=chosen.model)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if self._settings.style == "anthropic":
            headers.append(("anthropic-version", "2023-06-01"))
            if self._settings.key:
                headers.append(("x-api-key", self._settings.key))
        elif self._settings.key:
            headers.append(("Authorization", f"Bearer {self._settings.key}"))
        return tuple(headers)


def _refusal(status: int, headers: Mapping[str, str], now: float) -> TransientError | RefusedError:
    message = f"the endpoint of the second opinion answered {status}"
    cause = f"http_{status}"
    if status >= 500 or status in AGAIN:  # noqa: PLR2004 - the class of statuses is the name
        return TransientError(message, cause=cause, retry_after=retry_after(headers, now=now))
    return RefusedError(message, cause=cause)
