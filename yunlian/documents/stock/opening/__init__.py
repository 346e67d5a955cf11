"""Opening stock."""
