"""Purchase stock-in."""
