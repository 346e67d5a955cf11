"""How Chinese names are found and sorted: pinyin, its initials, and the tokens a search looks up by equality.

Under row security PostgreSQL can use an index for `=` but not for LIKE, so nothing is searched by pattern. A row keeps
`tokens(...)` in the token table and `haystack(...)` beside it. A search then

1. takes `query_tokens(text)`: every row it can find carries at least one of them (`token = ANY(...)`), and
2. keeps of those the rows for which `matches(text, haystack)`, in SQL `position(normal(text) in haystack) > 0`.

What two characters or more find: any part of a name, specification or other text; any part of the pinyin initials
(橡木床 by XMC or MC); the beginning of a code; a bar code or telephone number whole, or by its last four digits.
"""

import re
import unicodedata

from pypinyin import Style, lazy_pinyin

MIN_QUERY = 2  # characters; one Chinese character finds too much to be a search
PREFIX_MAX = 8  # characters of a code that are indexed from its beginning
LAST_DIGITS = 4  # of a number: how people ask for a telephone or a bar code

# Initials of surnames that are read otherwise than the same character elsewhere. The name of a person and of a firm
# cannot be told apart, so both readings are indexed.
_SURNAMES = {
    "万俟": "MQ", "长孙": "ZS", "尉迟": "YC", "曾": "Z", "单": "S", "解": "X", "仇": "Q", "区": "O", "查": "Z", "翟": "Z",
    "乐": "Y", "盖": "G", "种": "C", "缪": "M", "覃": "Q", "召": "S", "折": "S", "隗": "W",
}  # fmt: skip
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"\+?[0-9][0-9-]{6,}")


def normal(text: str) -> str:
    """Write `text` as searches compare it: full-width as half-width, capitals, no blanks."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", text).upper())


def full(text: str) -> str:
    """Spell `text` in pinyin, syllables apart, in small letters: the key names are sorted by.

    Polyphones are read as in the longest word they stand in (重庆 chong qing, 重量 zhong liang); what is not Chinese
    stays as it is. Syllables stay apart so that 西安 (xi an) sorts before 先 (xian).
    """
    spelled = lazy_pinyin(unicodedata.normalize("NFKC", text))
    return _SPACE.sub(" ", " ".join(spelled)).strip().lower()


def initials(text: str) -> str:
    """Give the first letter of every syllable, and letters and digits as they are: 橡木床 1.8m is XMC18M."""
    spelled = lazy_pinyin(unicodedata.normalize("NFKC", text), style=Style.FIRST_LETTER)
    return "".join(character for part in spelled for character in part if character.isalnum()).upper()


def tokens(code: str, name: str, *more: str) -> set[str]:
    """List what a row with this code, name and other texts (specification, bar codes, telephone) is found by."""
    found = {normal(code)[:size] for size in range(MIN_QUERY, PREFIX_MAX + 1)}
    for text in (name, *_readings(name)):
        found |= _grams(normal(text))
    for text in more:
        digits = _digits(text)
        found |= {digits, digits[-LAST_DIGITS:]} if digits else _grams(normal(text))
    return {token for token in found if len(token) >= MIN_QUERY}


def query_tokens(text: str) -> tuple[str, ...]:
    """List the tokens of which a row must carry at least one to be found by `text`; none if it is too short."""
    sought = normal(text)
    if len(sought) < MIN_QUERY:
        return ()
    # A name carries every gram of a text it contains, so the first will do; a code carries its beginning.
    return tuple({sought[:3]: None, sought[:PREFIX_MAX]: None, _digits(text) or sought[:3]: None})


def haystack(code: str, name: str, *more: str) -> str:
    """Join what `matches` looks through, one text a line, so that no match spans two."""
    texts = [normal(text) for text in (code, name, *_readings(name), *more)]
    return "\n".join(dict.fromkeys(filter(None, [*texts, *map(_digits, more)])))


def matches(text: str, haystack: str) -> bool:
    """Tell whether a row found by a token is meant by `text`."""
    return normal(text) in haystack or (_digits(text) or "\n\n") in haystack


def _readings(name: str) -> list[str]:
    """Initials of a name; two of them where it begins with a surname that is read otherwise."""
    usual = initials(name)
    for surname, letters in _SURNAMES.items():
        if name.startswith(surname):
            return list(dict.fromkeys((usual, letters + usual[len(letters) :])))
    return [usual]


def _grams(text: str) -> set[str]:
    """Every two and three neighbouring characters."""
    return {text[at : at + size] for size in (2, 3) for at in range(len(text) - size + 1)}


def _digits(text: str) -> str:
    """Give the digits of a bar code or telephone number, or nothing if `text` is neither."""
    plain = normal(text)
    return re.sub(r"[^0-9]", "", plain) if _NUMBER.fullmatch(plain) else ""
