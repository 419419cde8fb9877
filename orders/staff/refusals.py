"""The refusals of this room as staff reads them: what happened, and the way out."""

from django.utils.translation import gettext_lazy as _

from commerce.staff import refusals


def register() -> None:
    """Give every refusal that a screen of this room can meet a sentence in the reader's language."""
    for code, sentence in _SENTENCES.items():
        refusals.register(code, sentence)


_SENTENCES = {
    "order_not_found": _("There is no such order here. Search by its number, or ask which store has it."),
    "fulfilment_not_found": _("This order isn’t here any more. The queue shows what there is to do now."),
    "move_not_allowed": _("The order has moved on in the meantime. The page now shows how it stands."),
    "already_taken": _(
        "%(holder)s is working on this order. Choose another one, or ask your store manager to take it over."
    ),
    "lines_still_open": _("Some pieces are still open. Pick them or report them missing, then mark the order ready."),
    "more_than_wanted": _("That is more than the order still needs. Count again and enter what is missing."),
    "too_many_code_attempts": _("Too many wrong codes. Let a store manager check who is collecting this order."),
    "goods_awaited": _(
        "These pieces aren’t there yet: the order waits for %(waiting)s of them. Pick the others, or give the order back "
        "until the goods have come."
    ),
    "not_paid": _("%(amount)s are still to be paid. Take that on the order’s page, then hand the goods over."),
    "age_not_confirmed": _(
        "Some of these goods are only for people of %(minimum_age)s or older (Protection of Young Persons Act). "
        "Look at an identity card and confirm the age, or keep the goods here."
    ),
    "cannot_change": _("This has gone too far to be changed like that. The page now shows how the order stands."),
    "address_not_served": _(
        "This order can’t be sent there: another country, an area outside its VAT, or customs in between. "
        "Cancel it and place a new one."
    ),
    "preview_outdated": _("Something has changed since you looked. Look at the new preview and confirm that."),
    "not_returnable": _(
        "This can’t come back: it was not delivered, is back already, its time is over, or customs lie between."
    ),
    "return_not_found": _("There is no such return here. Search by its number or that of its order."),
    "return_state_wrong": _("The return has moved on in the meantime. The page now shows how it stands."),
    "refund_too_high": _("That is more than is left of this order to give back."),
    "refund_not_found": _("Somebody else has decided about this refund already."),
    "order_on_hold": _("This order is on hold. The order page says why and who may let it go on."),
    "cannot_hold": _("This order is over, so there is nothing left to hold."),
    "order_hold_not_found": _("The order isn’t held for this any more. The page now shows how it stands."),
    "parcels_changed": _(
        "The parcels aren’t ready for that: something is not packed, still open, empty or labelled. The page shows what is left."
    ),
    "cannot_substitute": _("This can’t come instead. Propose something else, or report the pieces missing only."),
    "choice_over": _("This was settled already, or can’t be had any more."),
    "cannot_cancel": _("The goods have already left. Take them back as a return instead."),
    "still_kept": _("The order is still kept for its customer. Wait until the time is over."),
    "window_closed": _("This pickup window is over or too near. Choose a later one."),
    "window_full": _("This pickup window is full. Choose another one."),
    "exception_not_found": _("This exception isn’t here any more. The desk shows what is open now."),
    "exception_state_wrong": _("Somebody has settled this in the meantime. Below it says how."),
    "settlement_gone": _("Somebody decided about this already. The page shows what is left."),
    "payment_not_found": _("There is no such payment here."),
    "payment_action_not_allowed": _("The payment has moved on in the meantime. The page now shows how it stands."),
    "amount_too_high": _("That is more than there is. Enter at most what the page shows."),
    "nothing_to_pay": _("That is more than is left to pay. The page shows what is left."),
    "payment_provider_unknown": _("This way to pay is not set up here. Choose another one."),
    "gift_card_unknown": _("No valid gift card has this code. Check it, or take another way to pay."),
    "gift_card_too_low": _("Not enough is left on this gift card. Leave the amount empty to take what is left."),
    "insufficient_stock": _("There isn’t enough stock for this. Look for another store that has the goods."),
}
