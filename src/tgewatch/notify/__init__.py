"""Telling the user: routing, rendering, channels."""

from tgewatch.notify.router import Router

__all__ = ["Router"]
