"""Dispatch notice."""
