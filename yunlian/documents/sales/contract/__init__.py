"""Sales contract."""
