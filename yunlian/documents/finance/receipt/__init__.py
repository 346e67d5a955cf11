"""Receipt."""
