"""Asking the web: cache, limit, send, retry."""
