"""docs/access.md: what each preset role may do and what every way in takes, made from the declarations. `python -m tests.attack.matrix` writes it."""

import os
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
HEAD = """# Who may do what

Made by `python -m tests.attack.matrix` from the declarations and the preset roles; a test compares it, so that no right
changes unseen. The administrator (`admin`) may do everything but the partner's steps, which only the chain takes.
Rows seen: `own` documents, those of the department `tree`, or `all`. Fields behind a guard are absent where it is not
named; `+` may write them too. At the end stands every way in and the verb it takes: `signed` is open to whoever entered
an enterprise, `user` to whoever signed in; *reads* marks a POST that only asks and in which PostgreSQL refuses every write.

"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    from yunlian.org.presets import PRESETS, offered

    from .stage import listed

    presets = [preset for preset in PRESETS if not preset.is_everything]
    yield "| Role | Rows | Guards |"
    yield "| --- | --- | --- |"
    for preset in presets:
        scopes = ", ".join(
            scope if code == "*" else f"{code}: {scope}" for code, scope in preset.scopes.items()
        )
        yield f"| `{preset.code}` {preset.name} | {scopes} | {preset.guards} |"
    yield ""
    yield "| Code | Role | Verbs |"
    yield "| --- | --- | --- |"
    granted = {preset.code: set(offered(preset)) for preset in presets}
    for code, each in sorted(listed().items()):
        steps = getattr(each, "steps", {})
        verbs = [verb for verb in each.permissions if verb not in steps or not steps[verb][1].is_partner]
        by_verbs: dict[str, list[str]] = {}
        for role, held in granted.items():
            allowed = " ".join(verb for verb in verbs if f"{code}.{verb}" in held)
            by_verbs.setdefault(allowed, []).append(role)
        for allowed, roles in by_verbs.items():
            if allowed:
                yield f"| `{code}` | {', '.join(roles)} | {allowed} |"
    yield ""
    yield from ways_in()


def ways_in() -> Iterator[str]:
    """The table of routes."""
    from yunlian.kernel.api import ROUTES

    yield "| Way in | Takes | |"
    yield "| --- | --- | --- |"
    for route in sorted(ROUTES, key=lambda each: (each.path, each.method)):
        yield f"| `{route.method} {route.path}` | `{route.needs}` | {'reads' if route.reads else ''} |"


def page() -> str:
    """The whole page as it should stand in docs."""
    return HEAD + "\n".join(lines()) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    PAGE.write_text(page(), encoding="utf-8")
