"""Watches public places for token generation events and tells once per real change."""
