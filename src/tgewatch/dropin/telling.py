"""What both scrapers tell the hooks that a pipeline gave them."""

import logging
from typing import Any

log = logging.getLogger(__name__)


def tell(hooks: Any, message: str) -> None:
    """Pass a message on to `notify`, and say that the cache has changed, as far as hooks take that.

    Whatever strange hooks do, what was found is worth more: nothing is raised.
    """
    for name, told in (("cache_updated", ()), ("notify", (message,))):
        method = getattr(hooks, name, None)
        if callable(method):
            try:
                method(*told)
            except Exception:
                log.warning("swarm_hooks_failed", extra={"hook": name}, exc_info=True)
