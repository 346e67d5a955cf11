"""Purchase order."""
