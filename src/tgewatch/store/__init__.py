"""What survives: one SQL code base for SQLite and PostgreSQL."""
