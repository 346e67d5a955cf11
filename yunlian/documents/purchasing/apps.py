"""The purchasing family as a Django app."""

from yunlian.kernel.family import Family


class PurchasingConfig(Family):
    name = "yunlian.documents.purchasing"
    label = "purchasing"
    default_auto_field = "django.db.models.BigAutoField"
