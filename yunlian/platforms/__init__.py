"""Clients of the outside platforms, and the sandbox that plays them; knows neither Django nor our business."""
