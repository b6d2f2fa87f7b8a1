"""A poster over aiohttp, as small as can be; the real one has the guard."""

import aiohttp
import pytest

from tgewatch.errors import TransientError
from tgewatch.ports import PostResponse


class SmallPoster:
    async def post(self, url, *, body, headers, deadline):
        timeout = aiohttp.ClientTimeout(total=deadline)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                named = {name.lower(): value for name, value in answer.headers.items()}
                return PostResponse(answer.status, named)
        except TimeoutError as error:
            raise TransientError("no answer in time", cause="timeout") from error
        except aiohttp.ClientError as error:
            raise TransientError("no connection", cause="refused") from error


@pytest.fixture
def poster():
    return SmallPoster()
