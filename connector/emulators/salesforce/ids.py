"""Record ids: 15 characters, and the 18 that survive where case is lost (Object Reference, ID Field Type)."""

from __future__ import annotations

import re
import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]


def _bits(chunk: str) -> int:
    return sum(1 << at for at, letter in enumerate(chunk) if letter.isupper())


_PAIR_BITS = [_bits(pair) << 3 for pair in _PAIRS]


def checksum(short: str) -> str:
    """The three characters that make a 15-character id safe where case is lost."""
    return "".join(_SUFFIX[_bits(short[at : at + 5])] for at in (0, 5, 10))


def full_id(prefix: str, number: int) -> str:
    """An 18-character id: prefix, counter in base 62, and the case checksum."""
    digits = ""
    for _ in range(12):
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    short = prefix + digits
    return short + checksum(short)


def long_id(given: str) -> str:
    """The 18-character form of an id in either form; what is no id stays as it is."""
    return given + checksum(given) if len(given) == 15 and _SHAPE.fullmatch(given) else given


def is_id(given: str) -> bool:
    """Whether this has the form of an id, with the right checksum if it has one."""
    return bool(_SHAPE.fullmatch(given)) and (len(given) == 15 or given[15:] == checksum(given[:15]))


class Ids:
    """The ids of one key prefix, counted up from 1: a million of them in a second, because only two letters change."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.number = prefix, 1
        self._block, self._fixed, self._sum, self._high = -1, "", "", 0

    def __next__(self) -> str:
        block, low = divmod(self.number, len(_PAIRS))
        if block != self._block:
            first = full_id(self.prefix, block * len(_PAIRS))
            self._block, self._fixed, self._sum, self._high = block, first[:13], first[15:17], _bits(first[10:13])
        self.number += 1
        return self._fixed + _PAIRS[low] + self._sum + _SUFFIX[self._high | _PAIR_BITS[low]]
