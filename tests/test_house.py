"""Rules of the house that no tool checks: what lies where, and what may not be in the repository."""

import ast
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

from yunlian.edge import catalogues
from yunlian.edge.place import ROOT
from yunlian.kernel.document import REGISTRY
from yunlian.kernel.testing import DocumentSuite, FlowSuite

TEXT = {
    ".py",
    ".ts",
    ".vue",
    ".js",
    ".json",
    ".toml",
    ".txt",
    ".md",
    ".html",
    ".css",
    ".po",
    ".yml",
    ".sh",
    "",
}
LAYERS = ("kernel", "org", "masters", "ledgers", "documents", "chain", "directory", "edge")
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def committed() -> list[Path]:
    """Files of the repository; in a copy without git, all that git would not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def ours(*, tests: bool = False) -> Iterator[Path]:
    """Our Python modules."""
    for path in (ROOT / "yunlian").rglob("*.py"):
        if tests or not (path.name.startswith("test_") or path.name == "conftest.py"):
            yield path


def said(paths: Iterator[str]) -> str:
    return "\n".join(sorted(paths))


def test_lock_files_name_no_host() -> None:
    locks = [path for path in committed() if re.search(r"lock|requirements.*\.txt$|\.npmrc$", path.name)]
    assert {path.name for path in locks} >= {
        "requirements.txt",
        "requirements-run.txt",
        "requirements-dev.txt",
    }
    assert (
        said(str(path.relative_to(ROOT)) for path in locks if "://" in path.read_text(encoding="utf-8")) == ""
    )


def test_no_committed_file_names_a_place_of_one_machine() -> None:
    folders = "|".join(("work/main", "work/shared", "root/", "home/[a-z]+/", "Users/[A-Za-z]+/"))
    hosts = "|".join((r"registry\.npmjs", r"pypi\.(?:org|python)", r"files\.pythonhosted", r"npmmirror"))
    wrong = re.compile(rf"(?<![\w.])/(?:{folders})|{hosts}")
    faults = []
    for path in committed():
        if path.suffix in TEXT and path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="replace")
            faults += [f"{path.relative_to(ROOT)}: {match.group()}" for match in wrong.finditer(text)]
    assert said(iter(faults)) == ""


def test_every_module_is_named_after_what_it_holds() -> None:
    modules = [path for path in committed() if path.suffix in {".py", ".ts", ".vue"}]
    vague = (path for path in modules if {*path.with_suffix("").parts[-2:]} & VAGUE)
    assert said(str(path.relative_to(ROOT)) for path in vague) == ""


def test_imports_stand_at_the_top() -> None:
    """A function-level import hides an arrow; apps.py (Django's order) and edge (each command alone) may."""
    faults = []
    for path in ours():
        if path.name == "apps.py" or "edge" in path.parts:
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                faults += [
                    f"{path.relative_to(ROOT)}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Import | ast.ImportFrom)
                ]
    assert said(iter(faults)) == ""


def _home(module: str) -> tuple[int, str]:
    """The layer of a module, and its family when it is a document."""
    parts = module.split(".")
    family = parts[2] if parts[1] == "documents" else ""
    return LAYERS.index(parts[1]), family


def test_references_between_tables_point_down() -> None:
    """Imports cannot show a reference written as a string. The owner and department of every header are exempt:
    the kernel has them from the settings.
    """
    faults = []
    for model in apps.get_models():
        layer, family = _home(model.__module__)
        for field in model._meta.get_fields():
            target = field.related_model
            if (
                not field.concrete
                or not isinstance(target, type)
                or not target.__module__.startswith("yunlian.")
            ):
                continue
            below, other = _home(target.__module__)
            inherited = layer == LAYERS.index("kernel") or field.name in ("owner", "department")
            if not inherited and (below > layer or (family and other and family != other)):
                faults.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
    assert said(iter(faults)) == ""


# Documents nobody makes or takes through the generic form: tried by the tests of what makes them.
WITHOUT_SUITE = {
    "chain.link": "made by inviting and accepting, tests/chain/test_chain.py",
    "chain.credential": "issued once, tests/chain/test_gate.py",
    "chain.product": "comes from the partner, tests/chain/test_business.py",
}


def test_every_declared_document_has_its_suite() -> None:
    for path in (ROOT / "yunlian").rglob("test_*.py"):
        if "Suite)" in path.read_text(encoding="utf-8"):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    suites = [*DocumentSuite.__subclasses__(), *FlowSuite.__subclasses__()]
    codes = [suite.code for suite in suites if suite is not FlowSuite]
    assert sorted(codes) == sorted(set(REGISTRY) - set(WITHOUT_SUITE))


def test_translations_are_complete() -> None:
    assert said(catalogues.faults()) == ""


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    said = StringIO()
    with suppress(SystemExit):
        call_command("makemigrations", check=True, dry_run=True, stdout=said)
    assert said.getvalue().strip() == "No changes detected", "run `.venv/bin/python manage.py makemigrations`"
