"""What sign-in needs to know of an enterprise's ties to WeCom and DingTalk; the layer that keeps them fills it in.

The organisation knows no connection itself: `directory` hands in a `Keeper` when apps start.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from yunlian.kernel.fields import normal_code

from .models import Enterprise


@dataclass(frozen=True)
class Connected:
    """An enterprise's app at a platform: `corp` is the platform's tenant, `app` what asks the platform as that app."""

    enterprise_id: int
    provider: str
    corp: str
    name: str
    app: Any


class Keeper(Protocol):
    """Who keeps the connections. Called outside any tenant; opens its own."""

    def of_enterprise(self, enterprise_id: int) -> Sequence[Connected]:
        """Return the connections of an enterprise through which people may sign in now."""

    def enterprises_of(self, provider: str, corp: str) -> Sequence[int]:
        """Return the enterprises that this corp is connected with now; branches may share one."""

    def employee_of(self, connected: Connected, subject: str) -> uuid.UUID | None:
        """Return the employee whom the directory has matched with an account of the corp, or None."""


class Connections:
    """The connections of the installation, from whoever keeps them; none until somebody does."""

    def __init__(self) -> None:
        self._keeper: Keeper | None = None

    def kept_by(self, keeper: Keeper | None) -> None:
        """Let `keeper` say what is connected with what."""
        self._keeper = keeper

    def of_enterprise(self, enterprise_id: int) -> Sequence[Connected]:
        """Return the connections of an enterprise through which people may sign in now."""
        return () if self._keeper is None else self._keeper.of_enterprise(enterprise_id)

    def find(self, enterprise_id: int, provider: str) -> Connected | None:
        """Return an enterprise's connection with a provider, when people may sign in through it now."""
        return next((each for each in self.of_enterprise(enterprise_id) if each.provider == provider), None)

    def enterprises_of(self, provider: str, corp: str) -> Sequence[int]:
        """Return the enterprises that this corp is connected with now."""
        return () if self._keeper is None else self._keeper.enterprises_of(provider, corp)

    def employee_of(self, connected: Connected, subject: str) -> uuid.UUID | None:
        """Return the employee whom the directory has matched with an account of the corp, or None."""
        return None if self._keeper is None else self._keeper.employee_of(connected, subject)


CONNECTIONS = Connections()


def find_enterprise(code: str) -> Enterprise | None:
    """Return the enterprise of an address such as /e/ACME."""
    return Enterprise.objects.filter(code=normal_code(code)).first()
