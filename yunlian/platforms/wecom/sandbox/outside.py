"""What people do who are not the administrator: customers come and go, members scan, read and press on their phones."""

from dataclasses import asdict
from typing import Any

from ...sandbox.control import Wrong
from ...sandbox.platform import Sandbox
from ..markup import cdata
from .callbacks import event, tell, tell_app
from .calls import fresh
from .console import Console, allowed
from .customers import settle, take_effect
from .messages import pressed
from .people import found
from .signin import Pages
from .state import App, Corp, Customer, Follow, Message, Transfer, new_corp

WELCOME_S = 20


class Outside:
    """The acts, each by the name of its corp; all raise Wrong."""

    def __init__(self, sandbox: Sandbox, console: Console) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world
        self._console = console
        self._pages = Pages(sandbox)

    def add_customer(self, asked: dict[str, Any]) -> dict[str, str]:
        """A customer adds a member: a known one by `customer`, else a new one by `name`; `state` of the way they came."""
        with self._world.change():
            corp, now = self._console.corp(asked), self._world.now()
            user = allowed(lambda: found(corp, asked.get("user"))).user
            customer = corp.customers.get(str(asked.get("customer", ""))) or self._new(corp, asked)
            if any(each.user == user and each.customer == customer.id for each in corp.follows):
                raise Wrong("they know each other already")
            state = str(asked.get("state", ""))
            corp.follows.append(
                Follow(user, customer.id, int(now), add_way=int(asked.get("add_way", 1)), state=state)
            )
            code = fresh("welcome") if customer.type == 1 else None
            if code:
                corp.welcome_codes[code] = now + WELCOME_S
            change = "add_half_external_contact" if asked.get("half") else "add_external_contact"
            self._tell(corp, change, user, customer.id, State=state or None, WelcomeCode=code)
        return {"customer": customer.id}

    def edit_customer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A member notes a remark in WeCom itself."""
        with self._world.change():
            corp, follow = self._follow(asked)
            follow.remark = str(asked.get("remark", follow.remark))
            self._tell(corp, "edit_external_contact", follow.user, follow.customer)
        return asdict(follow)

    def drop_customer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A member deletes a customer, or (`by_customer`) the other way round."""
        with self._world.change():
            corp, follow = self._follow(asked)
            if asked.get("by_customer"):
                follow.deleted_by_customer = True
                self._tell(corp, "del_follow_user", follow.user, follow.customer)
            else:
                corp.follows.remove(follow)
                self._tell(corp, "del_external_contact", follow.user, follow.customer)
        return {}

    def answer_transfer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A customer takes a hand-over now, or refuses it."""
        with self._world.change():
            corp = self._console.corp(asked)
            waiting = [
                each for each in corp.transfers if each.customer == asked.get("customer") and each.status == 2
            ]
            if not waiting:
                raise Wrong("no hand-over is waiting")
            if asked.get("refuse"):
                waiting[0].status = 3
                self._tell(
                    corp,
                    "transfer_fail",
                    waiting[0].takeover,
                    waiting[0].customer,
                    FailReason="customer_refused",
                )
            else:
                take_effect(corp, waiting[0], self._world.now())
                self._handed(corp, waiting[0])
        return {}

    def settle_transfers(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let hand-overs that are a day old take effect."""
        with self._world.change():
            corp = self._console.corp(asked)
            done = settle(corp, self._world.now())
            for each in done:
                self._handed(corp, each)
        return {"done": len(done)}

    def hold(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Somebody holds the phone of the page; nobody, when `user` is empty."""
        with self._world.change():
            corp, user = self._console.corp(asked), str(asked.get("user", ""))
            self._console.state.phone = f"{corp.id}/{allowed(lambda: found(corp, user)).user}" if user else ""
        return {}

    def confirm(self, asked: dict[str, Any]) -> dict[str, str]:
        """A member scans a QR code and confirms."""
        return {"code": allowed(lambda: self._pages.confirm(str(asked["key"]), str(asked["user"])))}

    def press(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A member presses a button of a card, by its key; `selected` are the choices of its questions."""
        with self._world.change():
            corp, message, user = self._message(asked)
            buttons = [str(each.get("key")) for each in message.body.get("button_list") or []]
            buttons.append(str((message.body.get("submit_button") or {}).get("key")))
            if message.type != "template_card" or str(asked.get("key")) not in buttons:
                raise Wrong("there is no such button")
            if message.recalled or user in message.cards:
                raise Wrong("the card is settled")
            pressed(self._sandbox, corp, message, user, str(asked["key"]), asked.get("selected") or {})
        return {}

    def enter(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A member opens the app (`enter_agent`), or comes and goes (`subscribe`, `unsubscribe`)."""
        with self._world.lock:
            corp, app = self._console.corp(asked), self._console.app(asked)
            user = allowed(lambda: found(corp, asked.get("user"))).user
            name = str(asked.get("event", "enter_agent"))
            if name not in ("enter_agent", "subscribe", "unsubscribe", "click", "view"):
                raise Wrong(f"no event {name}")
            tell_app(self._sandbox, corp, app, event(name, EventKey=str(asked.get("key", ""))), user)
        return {}

    def phone(self, asked: dict[str, str]) -> dict[str, Any]:
        """What is on a member's phone: messages, newest first, and QR codes that wait to be scanned."""
        with self._world.lock:
            corp, now = self._console.corp(dict(asked)), self._world.now()
            user = asked.get("user") or self._console.state.phone.partition("/")[2]
            messages = [
                {
                    "id": each.id, "agent": each.agent, "app": corp.apps[each.agent].name, "type": each.type,
                    "body": each.cards.get(user, each.body), "at": each.at, "recalled": each.recalled,
                    "pressed": each.pressed.get(user, ""), "settled": user in each.cards,
                }
                for each in reversed(self._console.state.messages.values())
                if each.corp == corp.id and user in each.users and each.agent in corp.apps
            ]  # fmt: skip
            scans = [
                {"key": each.key, "app": corp.apps[each.agent].name, "redirect": each.redirect}
                for each in self._console.state.scans.values()
                if each.corp == corp.id and each.ends > now and not each.code
            ]
            return {"user": user, "messages": messages[:100], "scans": scans}

    def customers(self, asked: dict[str, str]) -> dict[str, Any]:
        """Customers, who has them, and hand-overs."""
        with self._world.lock:
            corp = self._console.corp(dict(asked))
            tags = {id: each.name for id, each in corp.customer_tags.items()}
            follows = [
                {
                    **asdict(each),
                    "name": corp.customers[each.customer].name,
                    "tag_names": [tags.get(id, id) for id in each.tags],
                }
                for each in corp.follows
            ]
            return {
                "follows": follows[:500],
                "total": len(follows),
                "transfers": [
                    {**asdict(each), "name": corp.customers[each.customer].name} for each in corp.transfers
                ],
            }

    def join_chain(self, asked: dict[str, Any]) -> dict[str, str]:
        """An invited company joins the chain as a corp of its own; the corp's id."""
        with self._world.change():
            corp = self._console.corp(asked)
            chain = corp.chains.get(str(asked.get("chain", "")))
            company = (
                next((each for each in chain.corps if each.pending == asked.get("pending")), None)
                if chain
                else None
            )
            if chain is None or company is None or company.joined:
                raise Wrong("nobody is invited under this id")
            branch = new_corp(company.name)
            self._console.state.corps[branch.id] = branch
            company.corp, company.pending, company.joined = branch.id, "", True
            self._share(corp, branch)
            self._tell_chain(corp, chain.id, "corp_join", company.group, branch.id)
        return {"corp": branch.id}

    def leave_chain(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A company leaves the chain."""
        with self._world.change():
            corp = self._console.corp(asked)
            chain = corp.chains.get(str(asked.get("chain", "")))
            company = (
                next((each for each in chain.corps if each.corp == asked.get("branch")), None)
                if chain
                else None
            )
            if chain is None or company is None:
                raise Wrong("this corp is not in the chain")
            chain.corps.remove(company)
            corp.shared_with.pop(company.corp, None)
            self._tell_chain(corp, chain.id, "remove_corp", company.group, company.corp)
        return {}

    def _share(self, corp: Corp, branch: Corp) -> None:
        """The branch sees the apps of the head company that are made for chains, each with an agent id of its own."""
        shared = [each for each in corp.apps.values() if each.chain]
        for at, app in enumerate(shared):
            theirs = App(1000009 + at, f"{app.name}（总部共享）", fresh())
            branch.apps[theirs.agent] = theirs
            corp.shared_with.setdefault(branch.id, {})[app.agent] = theirs.agent

    def _tell_chain(self, corp: Corp, chain: str, change: str, group: int, branch: str) -> None:
        xml = event("change_chain", change, ChainId=chain)
        xml += f"<GroupIds><GroupId>{group}</GroupId></GroupIds><CorpIds><CorpId>{cdata(branch)}</CorpId></CorpIds>"
        for app in corp.apps.values():
            if app.chain:
                tell_app(self._sandbox, corp, app, xml)

    def _new(self, corp: Corp, asked: dict[str, Any]) -> Customer:
        name = str(asked.get("name", "")).strip()
        if not name:
            raise Wrong("a new customer has a name")
        kind = int(asked.get("type", 1))
        id = fresh("wm" if kind == 1 else "wo")
        union = str(asked.get("unionid") or fresh("o")) if kind == 1 else ""
        customer = Customer(
            id,
            name,
            kind,
            int(asked.get("gender", 0)),
            union,
            fresh("o"),
            corp_name=str(asked.get("corp_name", "")),
        )
        corp.customers[id] = customer
        return customer

    def _follow(self, asked: dict[str, Any]) -> tuple[Corp, Follow]:
        corp = self._console.corp(asked)
        for each in corp.follows:
            if each.user == asked.get("user") and each.customer == asked.get("customer"):
                return corp, each
        raise Wrong("they do not know each other")

    def _message(self, asked: dict[str, Any]) -> tuple[Corp, Message, str]:
        corp = self._console.corp(asked)
        message = self._console.state.messages.get(str(asked.get("message", "")))
        user = str(asked.get("user", ""))
        if message is None or message.corp != corp.id or user not in message.users:
            raise Wrong("this member has no such message")
        return corp, message, user

    def _handed(self, corp: Corp, transfer: Transfer) -> None:
        self._tell(
            corp, "del_external_contact", transfer.handover, transfer.customer, Source="DELETE_BY_TRANSFER"
        )
        self._tell(corp, "add_external_contact", transfer.takeover, transfer.customer)

    def _tell(self, corp: Corp, change: str, user: str, customer: str, **fields: object) -> None:
        """To the customer-contact receiver, and to every app that may use customer contact."""
        xml = event("change_external_contact", change, UserID=user, ExternalUserID=customer, **fields)
        tell(self._sandbox, corp, "customers", corp.customers_receiver, xml)
        for app in corp.apps.values():
            if app.customers:
                tell_app(self._sandbox, corp, app, xml)
