"""Finance as a Django app; its folders are the documents."""

from yunlian.kernel.family import Family


class FinanceConfig(Family):
    name = "yunlian.documents.finance"
    label = "finance"
    default_auto_field = "django.db.models.BigAutoField"
