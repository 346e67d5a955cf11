"""The outermost layer: settings, addresses, commands, and the servers they start."""
