"""The cycle: what is due is read, understood, stored and told."""
