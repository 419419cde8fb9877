import pytest

from commerce.templatetags.durations import span


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (300, "5 min"),
        (90, "1 min 30 s"),
        (5400, "1 h 30 min"),
        (3601, "1 h 1 s"),
    ],
)
def test_time_is_told_in_units_that_people_use(seconds: float, said: str) -> None:
    assert span(seconds) == said
