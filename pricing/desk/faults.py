"""What the reader of promotions says of a document, in the language of whoever fills in the forms."""

from django.utils.translation import gettext_noop

from commerce.staff import refusals

# The reader is pure and speaks English, to whoever writes documents; what varies in its sentences stands in braces. People
# at forms see no names of fields, so some say it otherwise.
SENTENCES = {
    "A whole number from {least} to {most} is needed here.": gettext_noop(
        "A whole number from {least} to {most} is needed here."
    ),
    "A whole number from {least} to {most} is expected.": gettext_noop(
        "A whole number from {least} to {most} is expected."
    ),
    "A percentage lies between 0 and 100 %: basis points from 0 to 10000 (20 % is 2000).": gettext_noop(
        "A percentage lies between 0 and 100 %."
    ),
    "A text of {least} to {most} characters is expected.": gettext_noop(
        "A text of {least} to {most} characters is expected."
    ),
    "A code has 1 to 40 letters, digits, dots, hyphens or underscores.": gettext_noop(
        "A code has 1 to 40 letters, digits, dots, hyphens or underscores."
    ),
    "A list of up to {most} texts is expected.": gettext_noop("At most {most} entries fit here."),
    "A list of {least} to {most} entries is expected.": gettext_noop("{least} to {most} entries are expected."),
    "Nothing is left of this without its blanks.": gettext_noop("Nothing is left of this without its blanks."),
    "A time zone is named as in Europe/Berlin.": gettext_noop("A time zone is named as in Europe/Berlin."),
    "An instant is expected, such as 2026-11-27T00:00:00+01:00, or a day.": gettext_noop(
        "A day and a time are expected."
    ),
    "This instant is out of the calendar.": gettext_noop("This day is out of the calendar."),
    "A time of the day is expected, such as 18:30.": gettext_noop("A time of the day is expected, such as 18:30."),
    "A promotion can't exclude itself or its own group.": gettext_noop(
        "A promotion can't exclude itself or its own group."
    ),
    "A promotion is announced before it begins, or as it does; set an earlier instant or leave it out.": gettext_noop(
        "A promotion is announced before it begins, or as it does: choose an earlier day, or none."
    ),
    "Say what the bundle costs or gets: price_minor, amount_minor or basis_points.": gettext_noop(
        "Say what the set costs, or what is taken off."
    ),
    "Each tier begins higher than the one before; put them in order.": gettext_noop(
        "Each tier begins higher than the one before; put them in order."
    ),
    "Give exactly one of basis_points, amount_minor and price_minor.": gettext_noop(
        "Give a percentage, an amount or a price: exactly one of them."
    ),
    "A tier gives either basis_points or amount_minor.": gettext_noop("A tier gives a percentage or an amount."),
    "A promotion ends after it begins; set a later end.": gettext_noop(
        "A promotion ends after it begins; set a later end."
    ),
    "Weekdays are numbers from 1 (Monday) to 7 (Sunday); name at least one.": gettext_noop(
        "Choose at least one day of the week."
    ),
    "A minimum is money (amount_minor), pieces (quantity), or both.": gettext_noop(
        "A minimum is an amount, a number of pieces, or both."
    ),
    "A coupon needs a code, a prefix or a batch; leave it out for none.": gettext_noop(
        "A coupon needs a code, a prefix or a batch; leave it out for none."
    ),
    "A prefix has at least three characters, or people guess codes.": gettext_noop(
        "A prefix has at least three characters, or people guess codes."
    ),
    "Two groups have the same code; name them apart.": gettext_noop("Two groups have the same code; name them apart."),
    "Another promotion has this id; choose another one.": gettext_noop(
        "Another promotion has this id; choose another one."
    ),
    "There is no such group in stacking.groups; add it or leave it.": gettext_noop(
        "There is no such group: make it first, or choose none."
    ),
    "There is no such promotion or group (group:CODE).": gettext_noop("There is no such promotion or group."),
    "A note has up to {most} characters.": gettext_noop("A note has up to {most} characters."),
    "A title has 1 to {most} characters.": gettext_noop("A title has 1 to {most} characters."),
    "A reason has up to {most} characters.": gettext_noop("A reason has up to {most} characters."),
    "That is over already; choose a later end.": gettext_noop("That is over already; choose a later end."),
    "Say why this can't wait for a second person.": gettext_noop("Say why this can't wait for a second person."),
}


def said(message: str) -> str:
    """Return a sentence of the reader for people; as it is where it is none of those known here."""
    return refusals.said(message)


refusals.register_messages(SENTENCES)
