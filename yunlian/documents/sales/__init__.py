"""Sales: the intention a customer or a dealer brings, and the contract it becomes."""
