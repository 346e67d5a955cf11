"""Stock: goods announced, received, promised and sent."""
