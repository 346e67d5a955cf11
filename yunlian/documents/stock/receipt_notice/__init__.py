"""Purchase receipt notice."""
