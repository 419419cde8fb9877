"""The texts about what is missing, comes back or is paid back, as they come along. People write newer versions of them."""

from orders.notifications.texts import mail

ASKED = mail(
    (
        "Es fehlt etwas – was sollen wir tun? Ihre Bestellung {number}",
        """
es tut uns leid: {missing} Ihrer Bestellung {number} konnten wir in {place} nicht finden. Sie bezahlen das nicht.

Bitte sagen Sie uns auf dieser Seite, was wir tun sollen – in einer anderen Filiale abholen, zusenden, etwas anderes nehmen, \
warten oder darauf verzichten:

{tracking_url}

Hören wir drei Tage lang nichts, bekommen Sie die übrigen Artikel ohne das Fehlende.
""",
    ),
    (
        "Something is missing – what shall we do? Your order {number}",
        """
we are sorry: we could not find {missing} of your order {number} at {place}. You don’t pay for it.

Please tell us on this page what you would like – fetch it at another store, have it sent, take something else, wait, or do \
without:

{tracking_url}

If we hear nothing for three days, you get the other goods without what is missing.
""",
    ),
    (
        "Bestellung {number}: {missing} fehlt. Was sollen wir tun? {tracking_url}",
        "Order {number}: {missing} is missing. What shall we do? {tracking_url}",
    ),
)

PROPOSED = mail(
    (
        "Darf es etwas anderes sein? Bitte bis {answer_by} antworten – Ihre Bestellung {number}",
        """
{missing} Ihrer Bestellung {number} konnten wir in {place} nicht finden. Wir haben für Sie zurückgelegt:

{instead} für {amount}{comparison}

Bitte sagen Sie uns bis {answer_by} auf dieser Seite, ob wir das stattdessen einpacken dürfen:

{tracking_url}

Hören wir nichts, kommt es zurück ins Regal, und Sie bezahlen es nicht.
""",
    ),
    (
        "May it be something else? Please answer by {answer_by} – your order {number}",
        """
we could not find {missing} of your order {number} at {place}. We keep this for you:

{instead} for {amount}{comparison}

Please tell us on this page by {answer_by} whether we may pack it instead:

{tracking_url}

If we hear nothing, it goes back on the shelf and you don’t pay for it.
""",
    ),
    (
        "Bestellung {number}: {missing} fehlt. Dürfen wir {instead} für {amount} einpacken? Bis {answer_by}: {tracking_url}",
        "Order {number}: {missing} is missing. May we pack {instead} for {amount}? By {answer_by}: {tracking_url}",
    ),
)

SUBSTITUTED = mail(
    (
        "Etwas anderes statt {missing} – Ihre Bestellung {number}",
        """
{missing} Ihrer Bestellung {number} konnten wir in {place} nicht finden. Wie Sie es bei der Bestellung erlaubt haben, kommt \
stattdessen:

{instead} für {amount}{comparison}

Was Sie dafür zu viel bezahlt haben, bekommen Sie von selbst zurück. Alles Weitere steht hier:

{tracking_url}
""",
    ),
    (
        "Something else instead of {missing} – your order {number}",
        """
we could not find {missing} of your order {number} at {place}. As you agreed when you ordered, this comes instead:

{instead} for {amount}{comparison}

What you paid too much for it comes back to you by itself. Everything else is here:

{tracking_url}
""",
    ),
)

PARCEL_DELAYED = mail(
    (
        "Ihr Paket kommt später: {deliver_by} – Bestellung {number}",
        """
es tut uns leid: Der Paketdienst braucht für Ihre Bestellung {number} länger, als wir zugesagt hatten.

Bisher zugesagt: {promised_before}
Jetzt erwartet: {deliver_by}
Paket: {parcel}

Auf dieser Seite sehen Sie jederzeit, wo es ist:

{tracking_url}
""",
    ),
    (
        "Your parcel comes later: {deliver_by} – order {number}",
        """
we are sorry: the carrier needs longer for your order {number} than we promised.

Promised so far: {promised_before}
Expected now: {deliver_by}
Parcel: {parcel}

On this page you always see where it is:

{tracking_url}
""",
    ),
)

GOES_BACK = mail(
    (
        "{amount} gehen an Sie zurück: Ihre Bestellung {number}",
        """
für Ihre Bestellung {number} erstatten wir Ihnen {amount}. Das Geld kommt auf demselben Weg zurück, auf dem Sie bezahlt \
haben; bis Ihre Bank es gutschreibt, kann es einige Tage dauern.

Die Einzelheiten finden Sie hier:

{tracking_url}
""",
    ),
    (
        "{amount} go back to you: your order {number}",
        """
we refund {amount} for your order {number}. The money goes back the same way you paid; it may take your bank a few days to \
show it.

You find the details here:

{tracking_url}
""",
    ),
)

CAME_BACK = mail(
    (
        "Ihre Rücksendung {return_number} ist angekommen",
        """
Ihre Rücksendung {return_number} zur Bestellung {number} ist bei uns angekommen. Wir sehen uns die Ware an und melden uns, \
sobald die Erstattung unterwegs ist.

{tracking_url}
""",
    ),
    (
        "Your return {return_number} has arrived",
        """
your return {return_number} of order {number} has arrived. We look at the goods and write to you as soon as the refund is on \
its way.

{tracking_url}
""",
    ),
)

NOT_TAKEN_BACK = mail(
    (
        "Ihre Rücksendung {return_number} können wir nicht annehmen",
        """
wir haben uns die Ware Ihrer Rücksendung {return_number} zur Bestellung {number} angesehen und können sie leider nicht \
zurücknehmen. Warum, sagen wir Ihnen gern; die Ware bleibt Ihre, und wir senden sie Ihnen auf Wunsch wieder zu.

{tracking_url}
""",
    ),
    (
        "We can’t accept your return {return_number}",
        """
we have looked at the goods of your return {return_number} of order {number} and are sorry that we can’t take them back. We \
gladly tell you why; the goods stay yours, and we send them to you again if you like.

{tracking_url}
""",
    ),
)
