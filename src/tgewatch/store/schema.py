"""The tables, as SQLAlchemy Core sees them; `migrations` makes them.

Times are Unix seconds. Values of the model that are only ever read whole are JSON, beside columns
for what is searched by.
"""

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers rows by itself only when the type is spelt INTEGER."""


def _source() -> sa.Column[int]:
    return sa.Column("source_id", _ID, sa.ForeignKey("sources.id"), nullable=False)


sources = sa.Table(
    "sources",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("url", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("company", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Double),
    sa.Column("state", sa.Text, nullable=False),
)
"""`changed_at` is the last poll that showed the source's whole list; `state` is a SourceState."""

seen = sa.Table(
    "seen",
    METADATA,
    _source(),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("shown_at", sa.Double, nullable=False),
    sa.PrimaryKeyConstraint("source_id", "digest"),
    sqlite_with_rowid=False,
)
"""Which items are known: the identity, kept for as long as a source may still show the item, also
when the item itself is long forgotten. Both hashes are 128 bits in hex."""

items = sa.Table(
    "items",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    _source(),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("url_hash", sa.BigInteger, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("published", sa.Double),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("judged_at", sa.Double, nullable=False),
    sa.Column("edited_at", sa.Double),
    sa.Column("baseline", sa.Boolean, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text),
    sa.Column("article", sa.Text, nullable=False),
    sa.Column("article_text", sa.Text, nullable=False),
    sa.Column("article_tries", sa.Integer, nullable=False),
    sa.Column("article_retry_at", sa.Double),
    sa.UniqueConstraint("source_id", "digest"),
)
sa.Index("ix_items_url_hash", items.c.url_hash)
sa.Index("ix_items_seen_at_stage_reason", items.c.seen_at, items.c.stage, items.c.reason)
_waits = items.c.article_retry_at.is_not(None)
sa.Index(
    "ix_items_article_retry_at",
    items.c.article_retry_at,
    sqlite_where=_waits,
    postgresql_where=_waits,
)

events = sa.Table(
    "events",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("company", sa.Text, nullable=False),
    sa.Column("ticker", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("updated", sa.Double, nullable=False, index=True),
    sa.Column("starts", sa.Double, index=True),
    sa.Column("ends", sa.Double),
    sa.Column("dismissed", sa.Boolean, nullable=False),
    sa.Column("merged_into", sa.Text),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)
"""`data` is the Event without its claims; `search` is what a text filter looks in, folded. An event
that the user merged into another stays as a signpost to it."""

event_terms = sa.Table(
    "event_terms",
    METADATA,
    sa.Column("term", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, sa.ForeignKey("events.id"), nullable=False, index=True),
    sa.PrimaryKeyConstraint("term", "event_id"),
)
"""Names, ticker and company by which a claim finds the events that it may belong to."""

claims = sa.Table(
    "claims",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _source(),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, sa.ForeignKey("events.id"), index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)
"""`reason` says why it joined its event, or none. Evidence is in the order in which it was made."""
sa.Index("ix_claims_source_id_digest", claims.c.source_id, claims.c.digest)

transitions = sa.Table(
    "transitions",
    METADATA,
    sa.Column("event_id", sa.Text, sa.ForeignKey("events.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("data", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("event_id", "number"),
)

outbox = sa.Table(
    "outbox",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("delivered_at", sa.Double),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
)
"""`event_id` is empty for notices about sources; `number` is the transition's."""
sa.Index("ix_outbox_event_id_channel", outbox.c.event_id, outbox.c.channel)
_open = outbox.c.state != "delivered"
sa.Index(
    "ix_outbox_state_next_at",
    outbox.c.state,
    outbox.c.next_at,
    sqlite_where=_open,
    postgresql_where=_open,
)

labels = sa.Table(
    "labels",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("data", sa.Text, nullable=False),
)

notes = sa.Table(
    "notes",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
"""Small things that other rooms want to find again, under a name of theirs."""
