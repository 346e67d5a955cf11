"""Sales intention."""
