"""The texts that come along: German as a German retailer writes to customers, and English. People write newer versions \
of them."""

from orders.notices import NoticeChannel, Text

EMAIL, SMS = NoticeChannel.EMAIL, NoticeChannel.SMS
Texts = dict[tuple[str, NoticeChannel], Text]

_BYE_DE = "\n\nFreundliche Grüße\nIhr Team von {shop}"
_BYE_EN = "\n\nKind regards\nYour {shop} team"


def _capital(text: str) -> str:
    """English goes on with a capital after the greeting, German does not."""
    return text[:1].upper() + text[1:]


def mail(german: tuple[str, str], english: tuple[str, str], sms: tuple[str, str] | None = None) -> Texts:
    """Return a letter in both languages, greeting and farewell around it, and the short text of an SMS where there is one."""
    short = {("de", SMS): Text("", sms[0]), ("en", SMS): Text("", sms[1])} if sms else {}
    return short | {
        ("de", EMAIL): Text(german[0], "{greeting}\n\n" + german[1].strip() + _BYE_DE),
        ("en", EMAIL): Text(english[0], "{greeting}\n\n" + _capital(english[1].strip()) + _BYE_EN),
    }


CONFIRMED = mail(
    (
        "Ihre Bestellung {number} ist bei uns eingegangen",
        """
vielen Dank für Ihre Bestellung {number}. Das haben Sie bestellt:

{goods}

Gesamtbetrag inkl. MwSt.: {total}

So kommen Ihre Artikel zu Ihnen:

{parts}

{pickup_note}

Auf dieser Seite sehen Sie jederzeit, wie weit Ihre Bestellung ist. Dort können Sie sie auch noch stornieren, solange die \
Ware nicht unterwegs ist.

{tracking_url}
""",
    ),
    (
        "We have received your order {number}",
        """
thank you for your order {number}. This is what you ordered:

{goods}

Total, VAT included: {total}

This is how your goods get to you:

{parts}

{pickup_note}

On this page you can see at any time how far your order is. You can also cancel it there as long as the goods are not on \
their way.

{tracking_url}
""",
    ),
)

CANCELLED = mail(
    (
        "Ihre Bestellung {number} ist storniert",
        """
Ihre Bestellung {number} vom {placed_on} ist storniert. Sie müssen nichts weiter tun.

Falls Sie bereits bezahlt haben, erstatten wir den Betrag auf demselben Weg, auf dem Sie bezahlt haben.

Die Einzelheiten finden Sie hier:

{tracking_url}
""",
    ),
    (
        "Your order {number} is cancelled",
        """
your order {number} of {placed_on} is cancelled. There is nothing else you need to do.

If you have already paid, we refund the amount the same way you paid.

You find the details here:

{tracking_url}
""",
    ),
)

UNAVAILABLE = mail(
    (
        "Leider nicht lieferbar: Ihre Bestellung {number}",
        """
es tut uns leid: Artikel Ihrer Bestellung {number} konnten wir in {place} nicht finden. Sie bezahlen nur, was Sie \
bekommen; was Sie für fehlende Ware bereits bezahlt haben, erstatten wir.

Auf dieser Seite sehen Sie, was noch zu Ihnen kommt:

{tracking_url}
""",
    ),
    (
        "Sorry, not available: your order {number}",
        """
we are sorry: we could not find goods of your order {number} at {place}. You only pay for what you get; what you have \
already paid for missing goods we refund.

This page shows what is still coming to you:

{tracking_url}
""",
    ),
)

READY = mail(
    (
        "Abholbereit: Ihre Bestellung {number} in {place}",
        """
Ihre Bestellung {number} liegt für Sie bereit.

Abholort: {place}, {place_address}
Abholfenster: {window}
Abholcode: {code}
Wir bewahren sie auf bis: {keep_until}

{missing}

Zeigen Sie bei der Abholung den Code oder den QR-Code auf dieser Seite. Dort können Sie uns auch sagen, dass Sie \
unterwegs sind, oder jemanden nennen, der für Sie abholt.

{tracking_url}

Geben Sie den Code bitte nur an Personen weiter, die die Ware wirklich abholen sollen.
""",
    ),
    (
        "Ready for pickup: your order {number} at {place}",
        """
your order {number} is ready for you.

Store: {place}, {place_address}
Pickup window: {window}
Pickup code: {code}
We keep it until: {keep_until}

{missing}

Please show the code, or the QR code on this page, when you collect. There you can also tell us that you are on your way, \
or name somebody who collects for you.

{tracking_url}

Please share the code only with people who are meant to collect the goods.
""",
    ),
    (
        "{shop}: Ihre Bestellung {number} ist abholbereit in {place}. Code und Details: {tracking_url}",
        "{shop}: your order {number} is ready for pickup at {place}. Code and details: {tracking_url}",
    ),
)

REMINDER = mail(
    (
        "Erinnerung: Ihre Bestellung {number} wartet in {place}",
        """
Ihre Bestellung {number} liegt noch für Sie bereit – wir bewahren sie auf bis {keep_until}.

Abholort: {place}, {place_address}
Abholcode: {code}

Schaffen Sie es nicht bis dahin? Auf dieser Seite können Sie die Abholung verlegen oder jemanden nennen, der für Sie abholt.

{tracking_url}
""",
    ),
    (
        "Reminder: your order {number} is waiting at {place}",
        """
your order {number} is still here for you – we keep it until {keep_until}.

Store: {place}, {place_address}
Pickup code: {code}

Can’t make it by then? On this page you can move the pickup or name somebody who collects for you.

{tracking_url}
""",
    ),
    (
        "{shop}: Ihre Bestellung {number} wartet in {place}, nur noch bis {keep_until}. {tracking_url}",
        "{shop}: your order {number} is waiting at {place}, only until {keep_until}. {tracking_url}",
    ),
)

LAST_DAY = mail(
    (
        "Letzter Tag: Ihre Bestellung {number} in {place}",
        """
heute ist der letzte Tag: Ihre Bestellung {number} bewahren wir noch bis {keep_until} für Sie auf. Danach geht die Ware \
zurück in den Verkauf.

Abholort: {place}, {place_address}
Abholcode: {code}

Verlegen oder stornieren können Sie die Abholung hier:

{tracking_url}
""",
    ),
    (
        "Last day: your order {number} at {place}",
        """
today is the last day: we keep your order {number} for you until {keep_until}. After that the goods go back on sale.

Store: {place}, {place_address}
Pickup code: {code}

You can move or cancel the pickup here:

{tracking_url}
""",
    ),
    (
        "{shop}: Letzter Tag für Ihre Bestellung {number} in {place}: bis {keep_until}. {tracking_url}",
        "{shop}: last day for your order {number} at {place}: until {keep_until}. {tracking_url}",
    ),
)

NOT_COLLECTED = mail(
    (
        "Nicht abgeholt: Ihre Bestellung {number}",
        """
die Aufbewahrungsfrist für Ihre Bestellung {number} in {place} ist abgelaufen, und wir haben Sie leider nicht gesehen.

Noch liegt die Ware hier. Wenn Sie heute vorbeikommen, geben wir sie Ihnen gern. Sonst geht sie zurück in den Verkauf, \
und was Sie bezahlt haben, erstatten wir.

{tracking_url}
""",
    ),
    (
        "Not collected: your order {number}",
        """
the time for which we keep your order {number} at {place} is over, and unfortunately we have not seen you.

The goods are still here. If you come by today, we gladly hand them to you. Otherwise they go back on sale, and we refund \
what you paid.

{tracking_url}
""",
    ),
    (
        "{shop}: Ihre Bestellung {number} wurde nicht abgeholt. Heute geben wir sie Ihnen noch: {tracking_url}",
        "{shop}: your order {number} was not collected. Today you can still have it: {tracking_url}",
    ),
)

RETURNED = mail(
    (
        "Ihre Bestellung {number} ist wieder im Verkauf",
        """
Ihre Bestellung {number} wurde in {place} nicht abgeholt; die Ware ist nun wieder im Verkauf. Was Sie dafür bezahlt \
haben, erstatten wir auf demselben Weg.

{tracking_url}
""",
    ),
    (
        "The goods of your order {number} are back on sale",
        """
your order {number} was not collected at {place}; its goods are back on sale now. What you paid for them we refund the \
same way.

{tracking_url}
""",
    ),
)

COLLECTED = mail(
    (
        "Vielen Dank für Ihre Abholung – Bestellung {number}",
        """
schön, dass Sie da waren. Ihre Bestellung {number} wurde in {place} übergeben:

{goods}

Gesamtbetrag inkl. MwSt.: {total}

Waren Sie nicht selbst da, und haben Sie niemanden geschickt? Dann melden Sie sich bitte gleich bei uns.

{tracking_url}
""",
    ),
    (
        "Thank you for collecting order {number}",
        """
it was good to see you. Your order {number} was handed over at {place}:

{goods}

Total, VAT included: {total}

That was not you, and you did not send anybody? Then please contact us at once.

{tracking_url}
""",
    ),
)

SHIPPED = mail(
    (
        "Unterwegs: Ihre Bestellung {number}",
        """
Ihre Bestellung {number} ist unterwegs zu Ihnen.

Sendung: {parcel}

{missing}

Wo sie gerade ist, sehen Sie hier:

{tracking_url}
""",
    ),
    (
        "On its way: your order {number}",
        """
your order {number} is on its way to you.

Parcel: {parcel}

{missing}

You can see where it is here:

{tracking_url}
""",
    ),
)

REVISED = mail(
    (
        "Neuer Termin für Ihre Bestellung {number}",
        """
{news}

Bisher zugesagt: {promised_before}
Jetzt zugesagt: {promised}
Grund: {reason}

Wenn Sie nicht so lange warten möchten, können Sie die Bestellung auf dieser Seite stornieren.

{tracking_url}
""",
    ),
    (
        "New date for your order {number}",
        """
{news}

Promised so far: {promised_before}
Promised now: {promised}
Reason: {reason}

If you would rather not wait that long, you can cancel the order on this page.

{tracking_url}
""",
    ),
)

DELAYED = mail(
    (
        "Ihre Abholung verspätet sich – Bestellung {number}",
        """
es tut uns leid: Ihre Bestellung {number} ist zu Ihrem Abholfenster nicht fertig. Bitte kommen Sie noch nicht.

Abholfenster: {window}
Voraussichtlich fertig: {promised}
Grund: {reason}

Wir melden uns, sobald alles bereitliegt. Hier können Sie ein anderes Abholfenster wählen oder stornieren:
{tracking_url}
""",
    ),
    (
        "Your pickup is delayed – order {number}",
        """
we are sorry: your order {number} is not ready for your pickup window. Please don’t come yet.

Pickup window: {window}
Expected to be ready: {promised}
Reason: {reason}

We tell you as soon as everything is ready. Here you can choose another window or cancel:
{tracking_url}
""",
    ),
    (
        "{shop}: Bestellung {number} wird später fertig: {promised}. Bitte noch nicht kommen. {tracking_url}",
        "{shop}: order {number} is not ready for your window; expected {promised}. Please don’t come yet. {tracking_url}",
    ),
)

MOVED = mail(
    (
        "Ihre Abholung ist verlegt – Bestellung {number}",
        """
die Abholung Ihrer Bestellung {number} ist verlegt.

Bisher: {moved_from}
Neu: {place}, {place_address}
Abholfenster: {window}
Abholcode: {code}

Falls Sie die Verlegung nicht gewünscht haben, ändern Sie sie hier oder melden Sie sich bei uns.

{tracking_url}
""",
    ),
    (
        "Your pickup is moved – order {number}",
        """
the pickup of your order {number} is moved.

So far: {moved_from}
Now: {place}, {place_address}
Pickup window: {window}
Pickup code: {code}

If you did not ask for that, change it here or contact us.

{tracking_url}
""",
    ),
    (
        "{shop}: Abholung Ihrer Bestellung {number} verlegt: {place}, {window}. {tracking_url}",
        "{shop}: pickup of your order {number} moved: {place}, {window}. {tracking_url}",
    ),
)
