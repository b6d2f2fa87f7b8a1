"""Composition root: settings in, a running program out; the only module that names adapters."""
