"""Claims have no place in their event: evidence is in the order in which it was made."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the place, which would have to be written again with each claim before it."""
    op.drop_index("ix_claims_event_id_position", "claims")
    op.drop_column("claims", "position")
    op.create_index(op.f("ix_claims_event_id"), "claims", ["event_id"], unique=False)
