"""An address as an identity: one key for one address, whatever a vendor wrote, and never an exception."""

from __future__ import annotations

import unicodedata

import pytest
from connector.core.address import NORMALISER, Address, Digester, Refusal, masked, normalise
from hypothesis import example, given, settings
from hypothesis import strategies as st

LONG = "l" * 64

SAME = [
    ("ann@example.com", "ann@example.com"),
    ("Ann.Lee@Example.COM", "ann.lee@example.com"),
    ("  ann@example.com \t\r\n", "ann@example.com"),
    ("ann@example.com.", "ann@example.com"),
    ("Ann Lee <ann@example.com>", "ann@example.com"),
    ('"Lee, Ann" <Ann@Example.com> ', "ann@example.com"),
    ("<ann@example.com>", "ann@example.com"),
    ("ann+news@example.com", "ann+news@example.com"),
    ("a.n.n@example.com", "a.n.n@example.com"),
    ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
    ("ann@BU\u0308CHER.example", "ann@xn--bcher-kva.example"),
    ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
    ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
    ("ann@fa\u00df.example", "ann@xn--fa-hia.example"),
    ("ann@\u4f8b\u3048.\u30c6\u30b9\u30c8", "ann@xn--r8jz45g.xn--zckzah"),
    ("stra\u00dfe@example.com", "stra\u00dfe@example.com"),
    ("STRASSE@example.com", "strasse@example.com"),
    ("\u017fam@example.com", "\u017fam@example.com"),
    ("SAM@example.com", "sam@example.com"),
    ("jose\u0301@example.com", "jos\u00e9@example.com"),
    ("JOS\u00c9@example.com", "jos\u00e9@example.com"),
    ('"ann"@example.com', "ann@example.com"),
    ('"ann lee"@example.com', '"ann lee"@example.com'),
    ('"a@b"@example.com', '"a@b"@example.com'),
    ('"ann..lee"@example.com', '"ann..lee"@example.com'),
    (f"{LONG}@example.com", f"{LONG}@example.com"),
    ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
    ("ann@localhost", "ann@localhost"),
    ("ann@under_score.example", "ann@under_score.example"),
    ("!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"),
]

REFUSED = ["", "   ", "ann", "example.com", "a\0nn@example.com", "ann@exa\x01mple.com", "a" * 4096, "a" * 4096 + "@b.c",
           "a@" + "b" * 400, "\ud800@example.com", "x" * 316 + "@b.cd"]  # fmt: skip

DIFFERENT = [
    ("stra\u00dfe@example.com", "strasse@example.com"),
    ("\u017fam@example.com", "sam@example.com"),
    ("ann+news@example.com", "ann@example.com"),
    ("a.nn@example.com", "ann@example.com"),
    ("ann@fa\u00df.example", "ann@fass.example"),
    ("jose@example.com", "jos\u00e9@example.com"),
    ('"ann lee"@example.com', "annlee@example.com"),
    ("ann@example.com", "ann@sub.example.com"),
]


@pytest.mark.parametrize(("raw", "normal"), SAME)
def test_odd_but_real_addresses_have_one_normal_form(raw: str, normal: str) -> None:
    """Whatever a vendor holds gets the one normal form of its address, and that form is its own."""
    assert normalise(raw) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize("raw", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_an_address_is_refused_without_repeating_it(raw: str) -> None:
    """Text without @, with a control character or beyond 320 bytes is refused in words that do not repeat it."""
    answer = normalise(raw)
    assert isinstance(answer, Refusal)
    assert answer.why
    assert not raw.strip() or raw not in answer.why


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_addresses_never_share_a_key(one: str, other: str) -> None:
    """Tags, dots, sharp and long s, accents and quotes that matter keep people apart."""
    assert normalise(one) != normalise(other)


def test_320_bytes_are_an_address_and_321_are_none() -> None:
    """The longest address is 320 bytes, counted in the normal form."""
    domain = "@" + ".".join(["d" * 60] * 4) + ".example"
    assert isinstance(normalise("l" * (320 - len(domain)) + domain), str)
    assert isinstance(normalise("l" * (321 - len(domain)) + domain), Refusal)


# -- for every text ---------------------------------------------------------------------------------------------------
ALPHABET = st.characters() | st.sampled_from('@."\\<> ßſẞİıÅÅﬀ‿。．\u0130\u0345\u0308\u200d\u00ad\0')
TEXTS = st.text(ALPHABET, max_size=40)
ODD = st.one_of(TEXTS, st.tuples(TEXTS, TEXTS).map("@".join), st.tuples(TEXTS, st.sampled_from(
    ["example.com", "EXAMPLE.com.", "b\u00fccher.example", "xn--bcher-kva.example", "xn--.example", "\u3002"])
).map("@".join), TEXTS.map(lambda t: f"Name <{t}@example.com>"))  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(ODD)
@example("\u0130@example.com")
@example("a@\u3002")
@example("a@xn--a")
@example("@..")
@example("a@b. .")
@example('"\\"@b')
def test_normalising_never_raises_and_is_idempotent(raw: str) -> None:
    """Any text at all has a normal form or a refusal, and the normal form of a normal form is itself."""
    answer = normalise(raw)
    if not isinstance(answer, Refusal):
        assert normalise(answer) == answer
        assert len(answer.encode()) <= 320
        assert "@" in answer


@settings(max_examples=1500, deadline=None)
@given(ODD)
def test_the_same_address_written_otherwise_has_the_same_key(raw: str) -> None:
    """Blanks around, another Unicode composition or a display name before never make a second key."""
    answer = normalise(raw)
    if isinstance(answer, Refusal):
        return
    assert normalise(f" {answer}\t") == answer
    assert normalise(unicodedata.normalize("NFD", answer)) == answer
    if len(answer) < 250 and "<" not in answer and ">" not in answer:
        assert normalise(f"Some One <{answer}>") == answer


LOCALS = st.text("abz09.+-_'\u00df\u017f\u00e9", min_size=1, max_size=8)
DOMAINS = st.sampled_from(["example.com", "b\u00fccher.example", "fa\u00df.example", "fass.example", "a.b.example"])


@settings(max_examples=1500, deadline=None)
@given(LOCALS, DOMAINS, LOCALS, DOMAINS)
def test_addresses_that_differ_have_keys_that_differ(one: str, here: str, two: str, there: str) -> None:
    """Two addresses that differ in lower case have two keys, and the same one has one."""
    same = (one, here) == (two, there)
    assert (normalise(f"{one}@{here}") == normalise(f"{two}@{there}")) is same
    assert normalise(f"{one.upper()}@{here.upper()}".replace("SS", "ss")) is not None


# -- digests ----------------------------------------------------------------------------------------------------------
def test_a_digest_names_its_key_and_its_normaliser() -> None:
    """A digest says which key and which normaliser made it, and holds nothing readable of the address."""
    digest = Digester(key=b"k" * 32, key_id="7")(Address("ann@example.com"))
    assert digest.startswith(f"n{NORMALISER}k7:")
    assert len(digest.partition(":")[2]) == 32
    assert "ann" not in digest


@pytest.mark.requirement("N17")
def test_a_digest_depends_on_address_and_key_alone() -> None:
    """The same address and key give the same digest always; another address or key another one."""
    one, other = Digester(key=b"k" * 32, key_id="1"), Digester(key=b"l" * 32, key_id="1")
    ann, bob = Address("ann@example.com"), Address("bob@example.com")
    assert one(ann) == Digester(key=b"k" * 32, key_id="1")(ann)
    assert len({one(ann), one(bob), other(ann), other(bob)}) == 4


def test_the_check_value_tells_keys_apart_and_is_no_digest() -> None:
    """The key's check value changes with the key and can be no address's digest."""
    one, other = Digester(key=b"k" * 32, key_id="1"), Digester(key=b"l" * 32, key_id="1")
    assert one.check_value() == Digester(key=b"k" * 32, key_id="1").check_value()
    assert one.check_value() != other.check_value()
    assert len(one.check_value()) > len(one(Address("ann@example.com")))


@pytest.mark.parametrize(("address", "shown"), [("ann@example.com", "a***@example.com"), ("nobody", "***")])
def test_a_masked_address_shows_one_letter_and_the_domain(address: str, shown: str) -> None:
    """Logs show the first letter and the domain of an address, no more."""
    assert masked(address) == shown
