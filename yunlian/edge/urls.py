"""Addresses: the API of each layer, health, and the console's files."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
