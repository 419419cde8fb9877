"""What staff type at the desk of scarcity: a wording of our own, and an experiment with its variants and guardrails."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from commerce.operations.experiments import Metric, VariantSpec
from inventory.scarcity import words
from inventory.scarcity.words import Wording
from inventory.scarcity_facts import Kind, Tone

KINDS: dict[Kind, Any] = {
    Kind.FEW_LEFT: _("Few left here"),
    Kind.FEW_ORDERABLE: _("Few can be ordered here"),
    Kind.IN_BASKETS: _("In other baskets"),
    Kind.SOLD_OUT: _("Sold out here"),
    Kind.SOLD_OUT_ELSEWHERE: _("Sold out here, available elsewhere"),
    Kind.SOLD_OUT_DELIVERED: _("Sold out here, delivered from elsewhere"),
    Kind.ELSEWHERE: _("Available elsewhere"),
    Kind.ELSEWHERE_DELIVERED: _("Delivered from elsewhere"),
}
TONES: dict[Tone, Any] = {Tone.FIRM: _("as it is now"), Tone.SOFT: _("with the time of an older figure")}
LANGUAGES: dict[str, Any] = {"en": _("English"), "de": _("German")}
# What experiments try instead of the present terms.
FEWEST, MOST = 1, 100


def messages() -> list[tuple[str, Any]]:
    """Return every kind of message that there is, in each tone and language, as choices."""
    return [
        (f"{kind.value}:{tone.value}:{locale}", f"{KINDS[kind]} · {TONES[tone]} · {LANGUAGES[locale]}")
        for kind in Kind
        for tone in Tone
        if words.is_said(kind, tone)
        for locale in words.LOCALES
    ]


class WordingForm(forms.Form):
    """Other words for a kind of message, for everyone or for a variant of an experiment. Checked against what it may claim."""

    message = forms.ChoiceField(label=_("Message"), choices=messages)
    one = forms.CharField(label=_("For one piece"), max_length=words.LONGEST)
    other = forms.CharField(
        label=_("For any other number"), max_length=words.LONGEST,
        help_text=_("In braces stands what is filled in: {place}, {count}, {other}, {day}, {as_of}, as the message has them."),
    )  # fmt: skip
    variant = forms.SlugField(
        label=_("Only in a wording variant of experiments"), max_length=40, required=False,
        help_text=_("A name such as “calm”; empty: for everyone."),
    )  # fmt: skip

    @property
    def key(self) -> tuple[Kind, Tone, str]:
        """The message that was chosen; the form must be valid."""
        kind, tone, locale = self.cleaned_data["message"].split(":")
        return Kind(kind), Tone(tone), locale

    @property
    def wording(self) -> Wording:
        return Wording(self.cleaned_data["one"].strip(), self.cleaned_data["other"].strip())


class ExperimentForm(forms.Form):
    """An experiment with one variant beside what holds now: another threshold, other words, or silence."""

    key = forms.SlugField(label=_("Key"), max_length=60, help_text=_("Channels name it, such as few-three."))
    name = forms.CharField(label=_("Name"), max_length=120)
    share = forms.IntegerField(
        label=_("Meets so many per cent"), initial=10, min_value=1, max_value=50,
        help_text=_("As many keep what holds now, as the control; the others meet no experiment."),
    )  # fmt: skip
    few = forms.IntegerField(
        label=_("Few means up to … pieces"), min_value=FEWEST, max_value=MOST, required=False,
        help_text=_("Empty: as the channel’s terms say."),
    )  # fmt: skip
    wording = forms.SlugField(
        label=_("Wording variant"), max_length=40, required=False, help_text=_("Empty: the words that hold now.")
    )
    silent = forms.BooleanField(label=_("Says nothing at all"), required=False)
    cancellation = forms.FloatField(
        label=_("Stop when so many percentage points more cancel"), initial=1, min_value=0, max_value=100
    )
    returned = forms.FloatField(
        label=_("Stop when so many percentage points more return"), initial=2, min_value=0, max_value=100
    )
    complaint = forms.FloatField(
        label=_("Stop when so many percentage points more complain"), initial=0.5, min_value=0, max_value=100
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not (values.get("few") or values.get("wording") or values.get("silent")):
            self.add_error("few", _("Say what is different: another threshold, another wording, or silence."))
        return values

    @property
    def variants(self) -> list[VariantSpec]:
        """The control and the variant, each with its share; the form must be valid."""
        given = self.cleaned_data
        settings = {name: given[name] for name in ("few", "wording", "silent") if given[name]}
        share = given["share"] * 100
        return [VariantSpec("control", share, is_control=True), VariantSpec("variant", share, settings)]

    @property
    def guardrails(self) -> dict[Metric, int]:
        """What is tolerated, in basis points of those who ordered."""
        given = self.cleaned_data
        return {
            Metric.CANCELLATION: round(given["cancellation"] * 100),
            Metric.RETURN: round(given["returned"] * 100),
            Metric.COMPLAINT: round(given["complaint"] * 100),
        }
