"""How Chinese names are found and sorted: pinyin, its initials, and the tokens a search looks up by equality.

Under row security PostgreSQL can use an index for `=` but not for LIKE, so nothing is searched by pattern. A row keeps
`tokens(...)` in the token table, and a search finds the rows that carry every one of `query_tokens(text)`.

What is found, by one Chinese character or two of any kind: any part of a code, a name, a specification or a number, and any part of the
pinyin initials (北欧橡木床 by BOXMC, XMC or MC), whatever the case, width, blanks and hyphens. Several words must all be
found, in any field. A row may be found whose texts hold all the pieces of a word but not the word; with three
characters a piece that is rare enough to need no second look.
"""

import re
import unicodedata

from pypinyin import Style, lazy_pinyin

GRAM_MIN, GRAM_MAX = (
    2,
    3,
)  # characters; of Chinese ones each is a token too: a surname is all one types of a name
QUERY_MAX = 40  # characters of a search that are looked at

# Initials of surnames that are read otherwise than the same character elsewhere. The name of a person and of a firm
# cannot be told apart, so both readings are indexed.
_SURNAMES = {
    "万俟": "MQ", "长孙": "ZS", "尉迟": "YC", "曾": "Z", "单": "S", "解": "X", "仇": "Q", "区": "O", "查": "Z", "翟": "Z",
    "乐": "Y", "盖": "G", "种": "C", "缪": "M", "覃": "Q", "召": "S", "折": "S", "隗": "W",
}  # fmt: skip
_SPACE = re.compile(r"\s+")
_IGNORED = re.compile(r"[\s\-_‐-―]+")
_NUMBER = re.compile(r"[0-9]{7,}")
_CHINESE = re.compile("[\u3007\u3400-\u9fff\U00020000-\U000323af]")


def normal(text: str) -> str:
    """Write `text` as searches compare it: full-width as half-width, capitals, no blanks or hyphens."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text).upper())


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
    found: set[str] = set()
    for text in (code, name, *_readings(name), *more):
        plain = normal(text)
        # Two digits of a bar code or telephone number find nothing in particular.
        found |= _grams(plain, GRAM_MAX) | set(_CHINESE.findall(plain))
        if not _NUMBER.fullmatch(plain):
            found |= _grams(plain, GRAM_MIN)
    return found


def query_tokens(text: str) -> set[str]:
    """List the tokens a row must carry, all of them, to be found by `text`; none if every word is too short."""
    found: set[str] = set()
    for word in unicodedata.normalize("NFKC", text[:QUERY_MAX]).split():
        plain = normal(word)
        found |= _grams(plain, GRAM_MAX if len(plain) >= GRAM_MAX else GRAM_MIN)
        if _CHINESE.fullmatch(plain):
            found.add(plain)
    return found


def _readings(name: str) -> list[str]:
    """Initials of a name; two of them where it begins with a surname that is read otherwise."""
    usual = initials(name)
    for surname, letters in _SURNAMES.items():
        if name.startswith(surname):
            return list(dict.fromkeys((usual, letters + usual[len(letters) :])))
    return [usual]


def _grams(text: str, size: int) -> set[str]:
    """Every run of `size` neighbouring characters."""
    return {text[at : at + size] for at in range(len(text) - size + 1)}
