"""Sales stock-out."""
