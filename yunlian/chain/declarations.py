"""Links and credentials as master data, and what follows their steps."""

from yunlian.kernel.document import Document, Lead, Section, declare, lead
from yunlian.kernel.events import on
from yunlian.kernel.text import _

from . import credentials, flows, links
from .business import opened
from .models import Credential, Link, Offer

LINK = declare(
    Document(
        code="chain.link",
        label=_("Enterprise link"),
        header=Link,
        columns="partner_name direction state partner linked_at",
        find="code name partner_name",
        sort="-created_at",
        fill=links.fill,
        tracks=(opened.guarded(flows.LINK),),
        verbs=("view", "edit"),
        form=(
            Section(
                _("Enterprise link"),
                "partner_chain_id partner_name direction state partner handler linked_at reason note",
            ),
        ),
    )
)
CREDENTIAL = declare(
    Document(
        code="chain.credential",
        label=_("Access credential"),
        header=Credential,
        columns="name prefix employee valid_from valid_until state",
        find="code name",
        sort="-created_at",
        fill=credentials.fill,
        tracks=(flows.CREDENTIAL,),
        verbs=("view", "edit"),
        is_sensitive=True,
        form=(Section(_("Access credential"), "name employee valid_from valid_until prefix state note"),),
    )
)
OFFER = declare(
    Document(
        code="chain.product",
        label=_("Upstream product"),
        header=Offer,
        columns="upstream_code name product state spec unit price link",
        find="upstream_code name",
        sort="upstream_code",
        tracks=(flows.OFFER,),
        verbs=("view", "export"),
        form=(
            Section(_("Upstream product"), "upstream_code name spec unit price currency link product state"),
        ),
    )
)

lead(Lead("masters.partner", "chain.link", {"partner_chain_id": "chain_id"}))
on("chain.credential", "saved", credentials.publish)
on("chain.credential", "revoke", credentials.withdraw)
on("chain.link", "saved", links.invite)
for step, follow in links.FOLLOW.items():
    on("chain.link", step, follow)
