"""Marks a string for translation; labels stay English in code and are translated when shown."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

Label = str | Promise

_ = gettext_lazy

__all__ = ["Label", "_"]
