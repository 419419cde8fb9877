"""Postal codes: one point per code, the mean of its places, bad lines told by number."""

import gzip
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inventory.places import locations, postal_codes

GRUENEWALD = "DE\t01945\tGrünewald\tBrandenburg\tBB\t\t00\tLandkreis\t12066\t51.4\t14\t4\n"
TETTAU = "DE\t01945\tTettau\tBrandenburg\tBB\t\t00\tLandkreis\t12066\t51.2\t13.8\t4\n"
AARAU = "CH\t5000\tAarau\tKanton Aargau\tAG\tBezirk\t1901\tAarau\t4001\t47.3887\t8.0483\t\n"


def test_a_code_with_many_places_lies_in_their_middle() -> None:
    reading = postal_codes.average([GRUENEWALD, AARAU, TETTAU])
    assert reading.codes == [("DE", "01945", "Grünewald", 51.3, 13.9), ("CH", "5000", "Aarau", 47.3887, 8.0483)]
    assert (reading.lines, reading.rejected) == (3, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("DE\t01945\tX\n", "The line has 3 columns instead of 12."),
        (GRUENEWALD.replace("DE", "Germany"), "no two-letter ISO code"),
        (GRUENEWALD.replace("51.4", "north"), "are no numbers"),
        (GRUENEWALD.replace("51.4", "514"), "not on earth"),
        (GRUENEWALD.replace("01945", ""), "empty or longer"),
    ],
)
def test_a_line_that_makes_no_sense_is_left_out_with_its_reason(line: str, reason: str) -> None:
    reading = postal_codes.average([AARAU, line])
    assert len(reading.codes) == 1
    assert reading.rejected[0][0] == 2
    assert reason in reading.rejected[0][1]


def test_files_are_loaded_and_the_newest_wins(db: None, tmp_path: Path) -> None:
    plain, packed = tmp_path / "DE.txt", tmp_path / "DE.txt.gz"
    plain.write_text(GRUENEWALD + TETTAU, encoding="utf-8")
    packed.write_bytes(gzip.compress((GRUENEWALD + "broken\n").encode()))
    output = StringIO()
    call_command("load_postal_codes", str(plain), stdout=output, verbosity=0)
    assert locations.place("DE", "01945") == (51.3, 13.9)
    call_command("load_postal_codes", str(packed), stdout=output, verbosity=0)
    assert locations.place("DE", "01945") == (51.4, 14.0)
    assert "line 2 was left out: The line has 1 columns instead of 12." in output.getvalue()


def test_without_a_path_the_shipped_codes_are_loaded_with_their_licence(db: None) -> None:
    call_command("load_postal_codes", stdout=StringIO(), verbosity=0)
    berlin = locations.place("DE", "10115")
    assert berlin is not None
    assert berlin == pytest.approx((52.53, 13.38), abs=0.05)
    assert "GeoNames" in postal_codes.SHIPPED.read_text(encoding="utf-8").splitlines()[0]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        call_command("load_postal_codes", str(tmp_path / "XX.txt"))
