"""Suppressions out of and into CSV files."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from connector.adapters.esp.builtin.csv_export import guarded, write
from connector.adapters.esp.builtin.csv_import import KEPT, BadRow, Row, read, take_in
from connector.core.address import normalise
from connector.core.errors import ConfigError
from connector.core.suppression import Reason
from hypothesis import given
from hypothesis import strategies as st

WHEN = datetime(2026, 11, 26, 21, 53, tzinfo=UTC)


@pytest.fixture
def written(tmp_path):
    """Writes a file and reads it."""

    def read_(text: str, encoding: str = "utf-8", **columns: str) -> list[Row | BadRow]:
        path = tmp_path / "file.csv"
        path.write_bytes(text.encode(encoding))
        return list(read(path, **columns))

    return read_


def test_columns_are_mapped(written):
    """Columns are named by their headers in any case, and stand in any order."""
    rows = written(
        "When,WHY,Mail\n2026-11-26T22:53:00+01:00,Bounce,Ada@Example.COM\n", address="mail", reason="why", since="when"
    )
    assert rows == [Row(line=2, address="ada@example.com", reason=Reason.HARD_BOUNCED, since=WHEN)]


@pytest.mark.parametrize("head", ["email", "E-Mail", "Email Address", "EmailAddress", "subscriber_key", "recipient"])
def test_the_address_column_is_found(written, head):
    """Where no column is named, the one that other platforms call their addresses is taken."""
    assert written(f"id,{head}\n1,ada@example.com\n") == [
        Row(line=2, address="ada@example.com", reason=Reason.SUPPRESSED, since=None)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_spreadsheet_saves(written, delimiter, encoding):
    """Comma, semicolon and tab are taken, and UTF-8 with or without its mark and UTF-16; lines end in any way."""
    text = f"email{delimiter}reason\r\ngrüße@müller.example{delimiter}Opted-Out\r\n"
    (row,) = written(text, encoding)
    assert (row.address, row.reason) == ("grüße@xn--mller-kva.example", Reason.UNSUBSCRIBED)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("", Reason.SUPPRESSED),
        ("UNSUBSCRIBED", Reason.UNSUBSCRIBED),
        ("SpamComplaint", Reason.COMPLAINED),
        ("hard_bounced", Reason.HARD_BOUNCED),
        ("HardBounced", Reason.HARD_BOUNCED),
        ("Soft bounce", Reason.SOFT_BOUNCED),
        ("isp-complained", Reason.COMPLAINED),
        ("MailBlocked", Reason.BLOCKED),
        ("active", Reason.UNKNOWN),
        ("subscribed", Reason.UNKNOWN),
    ],
)
def test_reasons_are_understood(written, word, reason):
    """A platform's word becomes our reason; a word that nobody knows is unknown, never a reason to let somebody go."""
    (row,) = written(f"email,reason\nada@example.com,{word}\n")
    assert row.reason is reason


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2026-11-26 21:53", WHEN),
        ("2026-11-26T21:53:00Z", WHEN),
        ("2026-11-26 21:53:00 UTC", WHEN),
        (str(int(WHEN.timestamp())), WHEN),
        ("2026-11-26", WHEN.replace(hour=0, minute=0)),
        ("", None),
    ],
)
def test_times_are_understood(written, text, since):
    """ISO 8601, UTC where no zone is named, and seconds since 1970."""
    (row,) = written(f"email,since\nada@example.com,{text}\n")
    assert row.since == since


def test_bad_rows_are_told_by_line(written):
    """A row that cannot be read is given back with the line it begins on and why; the others are taken."""
    rows = written(
        "email,reason,since\n"
        "ada@example.com,manual,\n"
        "no address,manual,\n"
        '"bo\n@example.com",manual,\n'
        "\n"
        ",manual,\n"
        "cy@example.com,manual,26/11/2026\n"
        'di@example.com,"manual"x,\n'
        "eve@example.com,manual,\n"
    )
    assert [r.line for r in rows if isinstance(r, BadRow)] == [3, 4, 7, 8, 9]
    assert [r.address for r in rows if isinstance(r, Row)] == ["ada@example.com", "eve@example.com"]
    assert not any("@" in r.why.replace("has no @", "") for r in rows if isinstance(r, BadRow))


def test_a_quote_that_never_closes(written):
    """What an open quote swallowed is told with its lines, not lost in silence."""
    rows = written('email\nada@example.com\n"bo@example.com\ncy@example.com\ndi@example.com\n')
    assert [r.line for r in rows] == [2, 3]
    assert "lines 3 to 5" in rows[1].why


@pytest.mark.parametrize(
    ("text", "columns", "says"),
    [
        ("", {}, "empty"),
        ("id,name\n1,Ada\n", {}, "no column looks like addresses"),
        ("email\nada@example.com\n", {"address": "mail"}, "no column mail"),
        ("email,email\na@example.com,b@example.com\n", {"address": "email"}, "more than one"),
        ("email\nada@example.com\n", {"reason": "why"}, "no column why"),
    ],
)
def test_files_without_the_columns(written, text, columns, says):
    """A file that lacks a column, or has it twice, is refused with the columns that it has."""
    with pytest.raises(ConfigError, match=says):
        written(text, **columns)


def test_a_file_that_is_no_text(tmp_path):
    """A file in no encoding we read is refused in words, and so is one that is not there."""
    (tmp_path / "file.csv").write_bytes(b"email\nd\xfc@example.com\n")
    for name in ("file.csv", "missing.csv"):
        with pytest.raises(ConfigError):
            list(read(tmp_path / name))


def test_taking_in(platform, clock):
    """Rows become blocks at the platform with their own reason and time; a time to come counts as now."""
    now, past = clock.now(), clock.now() - timedelta(days=3)
    rows = [
        Row(line=2, address=normalise("ada@example.com"), reason=Reason.UNSUBSCRIBED, since=past),
        BadRow(line=3, why="the address has no @"),
        Row(line=4, address=normalise("bo@example.com"), reason=Reason.UNKNOWN, since=now + timedelta(days=1)),
        Row(line=5, address=normalise("cy@example.com"), reason=Reason.UNKNOWN, since=None),
    ]
    dry = take_in(rows, platform, now=now, dry_run=True)
    assert platform.changes(0, 10) == []
    done = take_in(rows, platform, now=now)
    assert done == dry
    assert (dict(done.taken), done.refused) == ({Reason.UNSUBSCRIBED: 1, Reason.UNKNOWN: 2}, 1)
    assert [b.line for b in done.bad] == [3]
    assert [m.since for m in platform.changes(0, 10)] == [past, now, now]


def test_taking_in_again_adds_nothing(platform, clock):
    """The same file a second time changes no member."""
    row = Row(line=2, address=normalise("ada@example.com"), reason=Reason.UNSUBSCRIBED, since=clock.now())
    take_in([row], platform, now=clock.now())
    before = platform.changes(0, 10)
    take_in([row], platform, now=clock.now())
    assert platform.changes(0, 10) == before


def test_bad_rows_do_not_fill_memory(platform, clock):
    """Of very many bad rows the first are given back, and all are counted."""
    done = take_in((BadRow(line=n, why="") for n in range(KEPT + 5)), platform, now=clock.now())
    assert (len(done.bad), done.refused) == (KEPT, KEPT + 5)


def test_out_and_in_again(platform, clock, tmp_path: Path):
    """What is written is read as the same: every blocked address with its reason and time, and nobody else."""
    people = [normalise(f"{local}@example.com") for local in ("ada", "=1+1", "+tag", "-x", "a,b", 'a"b', "grüße")]
    for n, person in enumerate(people):
        platform.suppress(person, Reason.UNSUBSCRIBED, clock.now() + timedelta(minutes=n))
    platform.suppress(normalise("free@example.com"), Reason.UNKNOWN, clock.now())
    platform.unsuppress(normalise("free@example.com"), clock.now())
    path = tmp_path / "out.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        assert write(file, platform) == len(people)
    rows = [(r.address, r.reason, r.since) for r in read(path)]
    assert rows == [(m.address, m.suppressed, m.since) for m in platform.changes(0, 100) if m.suppressed]


@given(st.text(min_size=1, max_size=20))
def test_no_cell_is_a_formula(cell):
    """No cell begins with a character that makes a spreadsheet calculate."""
    assert guarded(cell)[0] not in "=+-@\t\r"


def test_an_empty_platform(platform):
    """A platform that blocks nobody gives a file with its header alone."""
    file = io.StringIO()
    assert write(file, platform) == 0
    assert file.getvalue() == "address,reason,since\n"
