"""How long something lasts, for templates: `{% load durations %}` and `{{ 5400|span }}`."""

from django import template

register = template.Library()


@register.filter
def span(seconds: float) -> str:
    """Return a number of seconds in units that German and English write alike: 45 s, 5 min, 1 h 30 min, 1 h 30 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return " ".join(parts) or "0 s"
