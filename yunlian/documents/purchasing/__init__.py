"""What we buy: purchase orders."""
