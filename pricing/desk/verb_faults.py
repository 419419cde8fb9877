"""What the verbs of prices say of a form that is wrong, in the language of whoever filled it in.

Verbs speak English, to whoever calls them; what varies stands in braces. People see no basis points or minor units, so some
is said otherwise.
"""

from django.utils.translation import gettext_lazy, gettext_noop

_AS_IT_IS = (
    gettext_noop("Say what has to change, so that the author can mend it."),
    gettext_noop("A threshold asks for 1 to {most} approvals."),
    gettext_noop("Choose a limit that somebody can reach."),
    gettext_noop("At most {most} costs at once; these are {count}. Send them in parts."),
    gettext_noop("A currency is its three-letter ISO code, such as EUR."),
    gettext_noop("A batch has a name of 1 to 40 letters, digits, hyphens or underscores."),
    gettext_noop("1 to {most} codes are made at once."),
    gettext_noop("A code has 3 to {most} characters without its blanks."),
    gettext_noop("A rate is between two currencies."),
    gettext_noop("The end comes before the beginning; choose a later end."),
    gettext_noop("Its end is over; take it back and choose a later one."),
    gettext_noop("At most {most} reasons are kept."),
    gettext_noop("The rules end after they begin; choose a later end."),
    gettext_noop("Choose an end after the beginning."),
    gettext_noop("The form is not complete yet."),
    gettext_noop("It ends before it begins; set a later end or leave it out."),
    gettext_noop("The list {name} is in {its}; take a list in {currency}, or convert the price."),
    gettext_noop("A file holds one of these: {kinds}."),
    gettext_noop("A file has up to {limit} MB and is not empty; send it in parts."),
    gettext_noop("There is no such price list; choose one that there is."),
    gettext_noop("There is no product with this SKU; add it first, or mend the SKU."),
    gettext_noop("There was another price since then; the past stays as it was. Let it begin now or later."),
    gettext_noop("Another row of this file holds for the same goods at the same time; leave one out."),
    gettext_noop("This promotion stands on line {line}, too; leave one out."),
    gettext_noop("{most} exemptions are in force or to come; name a category instead of its products."),
    gettext_noop("Say why the law exempts these goods, in up to {most} characters; it is kept as evidence."),
    gettext_noop("What was announced before can't be exempt afterwards; choose a beginning to come, or none for now."),
    gettext_noop("These goods are exempt already within that time; end that exemption first."),
    gettext_noop("Say why it ends, in up to {most} characters."),
    gettext_noop("This exemption is over already; nothing is left to end."),
    gettext_noop("What was exempt until now stays so; choose an end to come, or none."),
    gettext_noop("It would end before that anyway; set a new exemption for later."),
    gettext_noop("An exemption is for a product or for a category: name one of them."),
    gettext_noop("A category has a name of up to {most} characters."),
    gettext_noop("It ends after it begins; choose a later end, or none."),
    gettext_noop("Say why it is kept and who decided it: a minimum that a supplier imposes is not allowed in the EU."),
    gettext_noop("A rule is for a product or for a category; leave one of them out."),
    gettext_noop("Somebody set this margin just now."),
    gettext_noop("A rule is for a product or for a category."),
    gettext_noop("A contract has a name of up to {most} characters."),
    gettext_noop("One of these: {names}."),
    gettext_noop("1 to {most} prices end at once; send them in parts."),
    gettext_noop("At most {most} prices at once; these are {count}. Send them in parts."),
    gettext_noop("A code has 1 to 40 letters, digits, hyphens or underscores."),
    gettext_noop("A country is its two-letter ISO code, such as DE, or empty for all."),
    gettext_noop("A customer group has up to {most} characters."),
    gettext_noop("A name has 1 to {most} characters."),
    gettext_noop("It is a whole number from {least} to {most}."),
    gettext_noop("A price list can't be computed from itself."),
    gettext_noop("That goes in a circle: {way}. Choose another list."),
    gettext_noop("A price ends after it starts."),
    gettext_noop("At most {most} products at once; these are {count}. Send them in parts."),
    gettext_noop("A family has a name of up to {most} characters."),
    gettext_noop("A content is a whole number of {units}."),
    gettext_noop("A content has an amount and a unit, or neither of them."),
    gettext_noop("A version ends after it begins; set a later end."),
    gettext_noop("A version ends after it begins."),
    gettext_noop("The span begins before it ends, by at most {most} days; choose other days."),
    gettext_noop("An applied price follows the ones before it; the past is written."),
)
_OTHERWISE = {
    "A fee lies between 0 and 10000 basis points of the gross price.": gettext_noop(
        "A fee is a share of the gross price, at most all of it."
    ),
    "A cost is a whole number of minor units from 0 to {most}.": gettext_noop(
        "A cost is not below zero, and not that high."
    ),
    "A rate is positive: 0.9345 is 934500.": gettext_noop("A rate is positive."),
    "A minimum margin lies between 0 and 9999 basis points of net.": gettext_noop(
        "A minimum margin is a share of the net price, less than all of it."
    ),
    "A minimum advertised price is positive; take it away by None.": gettext_noop(
        "A minimum advertised price is positive."
    ),
    "{code} is {basis}: a list is computed from one of its own basis, or VAT would be guessed.": gettext_noop(
        "{code} has another basis (net or gross): a list is computed from one of its own, or VAT would be guessed."
    ),
    "A rate lies between 0 and 10000 basis points (100 %).": gettext_noop("A rate lies between 0 and 100 %."),
}
SENTENCES = {sentence: sentence for sentence in _AS_IT_IS} | _OTHERWISE
CODES = {
    "no_price": gettext_lazy("Something in the basket has no price here. Set one, or take it out."),
    "no_tax_rate": gettext_lazy("For a tax class there is no VAT rate here. Set one first."),
    "quote_not_found": gettext_lazy("There is no such quote on this channel; ask for a new one."),
    "quote_expired": gettext_lazy("The quote is over; ask for a new one."),
    "quote_mismatch": gettext_lazy("The quote is for another basket; ask for a new one."),
    "quote_forged": gettext_lazy("The quote is not as it was given; ask for a new one."),
    "quote_used": gettext_lazy("An order was placed by this quote already; ask for a new one."),
    "price_overlap": gettext_lazy("Two of them would hold at the same time. Let one end before the other begins."),
    "price_in_the_past": gettext_lazy(
        "Something else held since then, and the past stays as it was. Let it begin now or later."
    ),
    "price_not_there": gettext_lazy("This price isn’t there any more. Load the page again."),
    "price_list_not_found": gettext_lazy("There is no such price list; choose one that there is."),
    "price_list_exists": gettext_lazy("There is a price list with this code already; choose another code."),
    "override_not_allowed": gettext_lazy("The rules don’t allow this price by hand, or it has no reason."),
    "coupon_exists": gettext_lazy("Some of these codes are there already; choose others."),
    "price_pack_forged": gettext_lazy("This price pack is not as it was given; take it unchanged."),
    "price_file_not_found": gettext_lazy("There is no such file."),
    "price_file_not_ready": gettext_lazy("The file isn’t at this step. The page shows where it is."),
    "prior_price_exemption_not_found": gettext_lazy("There is no such exemption."),
    "promotion_simulation_not_found": gettext_lazy("There is no such simulation."),
    "precondition_missing": gettext_lazy("Load the page again: it is not clear which state this change is for."),
}
