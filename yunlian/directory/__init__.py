"""People from other platforms: plan, look, apply, undo; one engine for every platform and both directions."""
