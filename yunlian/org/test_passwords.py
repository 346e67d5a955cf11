import pytest
from django.contrib.auth.hashers import get_hasher

from yunlian.kernel.document import Invalid

from . import passwords


def refused(password, login="wang.fang"):
    with pytest.raises(Invalid) as caught:
        passwords.require_good(password, login)
    return [problem.code for problem in caught.value.problems]


def test_eight_characters_are_enough_and_seven_are_not():
    assert passwords.require_good("h7!kqwzp", "wang") == "h7!kqwzp"
    assert refused("h7!kqwz") == ["too_short"]


def test_long_phrases_are_welcome_up_to_128():
    assert passwords.require_good("云" * 60 + "ab" * 34, "wang")
    assert refused("ab1" * 43) == ["too_long"]


@pytest.mark.parametrize(
    "word", ["password1", "woaini1314", "Admin888", "iloveyou1", "aaaaaaaaaa", "12121212"]
)
def test_common_ones_are_refused(word):
    assert refused(word) == ["common"]


def test_the_login_is_refused_in_any_case():
    assert refused("Wang.Fang") == ["login"]


@pytest.mark.parametrize("word", [None, 12345678, ["a"], "nul\x00inside", "\ud800 alone"])
def test_what_is_no_text_is_refused(word):
    with pytest.raises(Invalid):
        passwords.require_good(word, "wang")


def test_the_same_word_is_the_same_however_it_is_typed():
    stored = passwords.digest_of(passwords.require_good("Ａｂｃｄｅｆ１２３４", "wang"))
    assert passwords.matches(passwords.normal_password("Abcdef1234"), stored)
    assert not passwords.matches(passwords.normal_password("abcdef1234"), stored)


def test_kept_with_argon2id_of_19_mib(settings):
    settings.PASSWORD_HASHERS = ["yunlian.org.passwords.Argon2"]
    stored = passwords.digest_of("correct horse battery")
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches("correct horse battery", stored)
    assert not passwords.matches("correct horse batterx", stored)


def test_an_unknown_login_costs_one_hash_too(monkeypatch):
    hashed = []
    hasher = type(get_hasher())
    encode = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda *args, **more: hashed.append(1) or encode(*args, **more))
    assert not passwords.matches("correct horse battery", None)
    assert hashed == [1]


def test_first_passwords_are_good_and_differ():
    words = {passwords.first_password() for _ in range(50)}
    assert len(words) == 50
    for word in words:
        assert passwords.require_good(word, "wang") == word
