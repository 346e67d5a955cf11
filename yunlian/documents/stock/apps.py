"""Stock as a Django app; its folders are the documents."""

from yunlian.kernel.family import Family


class StockConfig(Family):
    name = "yunlian.documents.stock"
    label = "stock"
    default_auto_field = "django.db.models.BigAutoField"
