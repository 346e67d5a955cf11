"""Django's makemigrations, with the dependencies of our own keys."""

from django.core.management.commands import makemigrations

from yunlian.kernel.waiting import Autodetector


class Command(makemigrations.Command):
    """Everything else is Django's."""

    autodetector = Autodetector
