"""What was measured, and whether it is good enough."""
