"""What survives: one SQL code base for SQLite and PostgreSQL."""

from tgewatch.store.opening import Access, open_store
from tgewatch.store.sql import SqlStore

__all__ = ["Access", "SqlStore", "open_store"]
