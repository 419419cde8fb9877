"""Icons are drawn once and look as the library draws them."""

import pytest
from django.template import Context, Template
from lucide import IconDoesNotExist


def drawn(source: str) -> str:
    return Template(source).render(Context())


def test_an_icon_is_inline_svg_with_its_size_and_attributes():
    svg = drawn('{% lucide "check" size=20 aria_hidden="true" class="push" %}')
    assert svg.startswith("<svg")
    assert 'width="20"' in svg
    assert 'aria-hidden="true"' in svg
    assert 'class="push"' in svg
    assert drawn('{% lucide "check" size=20 aria_hidden="true" class="push" %}') == svg
    assert drawn('{% lucide "check" aria_hidden="true" class="push" %}') != svg


def test_an_unknown_icon_is_an_error_and_not_a_gap():
    with pytest.raises(IconDoesNotExist):
        drawn('{% lucide "no-such-icon" %}')
