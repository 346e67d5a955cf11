"""Django's migrate; it must find changes as makemigrations does."""

from django.core.management.commands import migrate

from yunlian.kernel.waiting import Autodetector


class Command(migrate.Command):
    """Everything else is Django's."""

    autodetector = Autodetector
