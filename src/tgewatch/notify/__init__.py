"""Telling the user: routing, rendering, channels."""
