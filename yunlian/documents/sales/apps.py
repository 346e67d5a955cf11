"""Sales as a Django app; its folders are the documents."""

from yunlian.kernel.family import Family


class SalesConfig(Family):
    name = "yunlian.documents.sales"
    label = "sales"
    default_auto_field = "django.db.models.BigAutoField"
