"""Translations: found in the source, kept as .po files in yunlian/locale, compiled where the program runs.

English in the code is the key. The files carry no dates and no line numbers, so that two people's changes merge.
"""

import ast
import contextlib
import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from yunlian.edge.place import ROOT

PACKAGE = ROOT / "yunlian"
FOLDER = PACKAGE / "locale"
LANGUAGES = ("zh_Hans", "zh_Hant", "en")
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
HEADER = "# Yunlian 云链. Found in the source by `python -m yunlian messages`; translate here, then run it again.\n"
SENTENCE = re.compile(r"[A-Z][^\n]* [^\n]*\.")
# {name}, {0}, %(name)s, %s: what a translation must carry over unchanged.
PLACEHOLDER = re.compile(r"\{[a-z_0-9]*(?:![rs])?(?::[^}]*)?\}|%\([a-z_]+\)[sd]|%[sd]", re.IGNORECASE)


def path(language: str) -> Path:
    """The file that people translate."""
    return FOLDER / language / "LC_MESSAGES" / "django.po"


def found() -> Catalog:
    """Every string that the source marks for translation."""
    catalog = Catalog(domain="django", project="yunlian")
    rows = extract_from_dir(
        PACKAGE,
        method_map=[("**/test_*.py", "ignore"), ("**/migrations/**", "ignore"), ("**.py", "python")],
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
    )
    for _file, _line, message, comments, context in rows:
        catalog.add(message, auto_comments=comments, context=context)
    for sentence in sorted(_of_platforms()):
        catalog.add(sentence)
    return catalog


def _of_platforms() -> set[str]:
    """Every sentence that a platform's client says to people: it knows no Django, so it cannot mark them itself."""
    found: set[str] = set()
    for path in (PACKAGE / "platforms").rglob("*.py"):
        if "sandbox" in path.parts or path.name.startswith("test_") or path.name == "conftest.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        aside |= {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
        }
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in aside]
        found |= {n.value for n in texts if isinstance(n.value, str) and SENTENCE.fullmatch(n.value)}
    return found


def kept(language: str) -> Catalog:
    """What has been translated so far."""
    file = path(language)
    if not file.exists():
        return Catalog(locale=language, domain="django", project="yunlian")
    with file.open("rb") as stream:
        return read_po(stream, locale=language, domain="django")


def _text(catalog: Catalog) -> bytes:
    stream = BytesIO()
    write_po(
        stream, catalog, width=110, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True
    )
    head = f'{HEADER}msgid ""\nmsgstr ""\n"Language: {catalog.locale_identifier}\\n"\n'
    head += '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    return (head + f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n').encode() + stream.getvalue()


def _spoken(message: Message) -> tuple[str, ...]:
    string = message.string
    return tuple(string) if isinstance(string, tuple | list) else (string or "",)


def renew() -> int:
    """Write each catalogue anew from the source, keeping what is translated; say how much is missing."""
    source = found()
    missing_all = 0
    for language in LANGUAGES:
        catalog = kept(language)
        catalog.update(source, no_fuzzy_matching=True)
        missing = 0
        for message in catalog:
            if not message.id or all(_spoken(message)):
                continue
            if language == "en":  # the key is the English text
                message.string = message.id
            else:
                missing += 1
        path(language).parent.mkdir(parents=True, exist_ok=True)
        path(language).write_bytes(_text(catalog))
        print(f"  {language}: {len(catalog)} strings, {missing} missing")
        missing_all += missing
    compile_stale()
    return 0 if not missing_all else 1


def faults() -> Iterator[str]:
    """Every reason why the catalogues are not complete: missing, fuzzy, without its placeholder, or left over."""
    wanted = {(message.context, _key(message)): message for message in found() if message.id}
    for language in LANGUAGES:
        here = {(message.context, _key(message)): message for message in kept(language) if message.id}
        for key in wanted.keys() - here.keys():
            yield f"{language}: missing: {key[1]!r}"
        for key in here.keys() - wanted.keys():
            yield f"{language}: no longer used: {key[1]!r}"
        for key in wanted.keys() & here.keys():
            message = here[key]
            if message.fuzzy or not all(_spoken(message)):
                yield f"{language}: not translated: {key[1]!r}"
            elif any(
                set(PLACEHOLDER.findall(each)) != set(PLACEHOLDER.findall(key[1]))
                for each in _spoken(message)
            ):
                yield f"{language}: other placeholders: {key[1]!r}"


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[-1]


def compile_stale() -> None:
    """Compile the catalogues that changed; Django reads the compiled ones."""
    for language in LANGUAGES:
        source = path(language)
        target = source.with_suffix(".mo")
        if not source.exists() or (target.exists() and target.stat().st_mtime >= source.stat().st_mtime):
            continue
        stream = BytesIO()
        write_mo(stream, kept(language))
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):  # another process was as quick
            scratch.write_bytes(stream.getvalue())
            scratch.replace(target)
