"""How a batch reaches the other side: inside one installation by calling its accept, in a transaction of its own.

The same tables and functions as between servers; only HTTP is missing. Nothing here may run inside a transaction.
"""

import uuid

from django.db import DatabaseError

from yunlian.kernel.scope import NoTenant, enterprise_id
from yunlian.org.models import Enterprise

from .accepting import accept
from .greeting import give_back, greet
from .sending import TransportFailure
from .wire import Answer, Batch, Greeting, Request


def local(recipient: uuid.UUID, request: Request) -> Answer:
    """Hand a request to an enterprise of this installation. Raises TransportFailure when it cannot be reached."""
    _refuse_inside_transaction()
    enterprise = Enterprise.objects.filter(chain_id=recipient).first()
    if enterprise is None:
        raise TransportFailure("No such enterprise in this installation.")
    try:
        if isinstance(request, Batch):
            return accept(enterprise.pk, request)
        return (
            greet(enterprise.pk, request)
            if isinstance(request, Greeting)
            else give_back(enterprise.pk, request)
        )
    except DatabaseError as failure:
        raise TransportFailure(f"{type(failure).__name__}: {failure}") from failure


def _refuse_inside_transaction() -> None:
    try:
        active = enterprise_id()
    except NoTenant:
        return
    raise RuntimeError(f"Sending inside a transaction of enterprise {active}.")
