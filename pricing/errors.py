"""Refusals of pricing. Each says what was asked, why that can't be, and the way out."""

from commerce.errors import CommerceError, NotFound


class NoPrice(CommerceError):
    """No price list that applies to this channel has a price for the product and quantity at that time."""

    code = "no_price"
    status = 422
    title = "There is no price"


class NoTaxRate(CommerceError):
    """The country has no VAT rate for the product's tax class at that time."""

    code = "no_tax_rate"
    status = 422
    title = "There is no tax rate"


class QuoteNotFound(NotFound):
    """The quote does not exist, or belongs to another channel."""

    code = "quote_not_found"
    title = "The quote was not found"


class QuoteExpired(CommerceError):
    """The quote was honoured until it expired; a new one gives today's price."""

    code = "quote_expired"
    status = 410
    title = "The quote has expired"


class QuoteMismatch(CommerceError):
    """The basket is not the one that was quoted."""

    code = "quote_mismatch"
    status = 422
    title = "The basket differs from the quote"


class QuoteForged(CommerceError):
    """The stored quote does not carry our signature, so its figures can't be trusted."""

    code = "quote_forged"
    status = 422
    title = "The quote is not genuine"


class PriceOverlap(CommerceError):
    """Two prices (or rates) for the same thing would be valid at the same time."""

    code = "price_overlap"
    title = "Prices overlap"


class PriceInThePast(CommerceError):
    """A price or rate that was already in force can't be rewritten: what customers were shown stays provable."""

    code = "price_in_the_past"
    status = 422
    title = "The past can't be repriced"


class PriceNotThere(NotFound):
    """There is no price that could end."""

    code = "price_not_there"
    title = "There is no such price"


class PriceListNotFound(NotFound):
    """There is no such price list."""

    code = "price_list_not_found"
    title = "The price list was not found"


class PriceListExists(CommerceError):
    """The code of a price list is taken."""

    code = "price_list_exists"
    title = "The price list exists already"


class RulesetNotFound(NotFound):
    """There is no such version of the rules."""

    code = "ruleset_not_found"
    title = "The version was not found"


class RulesetInThePast(CommerceError):
    """A version takes effect now or later; what was in force stays as it was."""

    code = "ruleset_in_the_past"
    status = 422
    title = "The past keeps its rules"


class RulesetWithdrawn(CommerceError):
    """The version was withdrawn already, or its time is over."""

    code = "ruleset_withdrawn"
    title = "The version is not in force any more"


class QuoteUsed(CommerceError):
    """Another order was placed by this quote, and what it held of limited promotions is that order's."""

    code = "quote_used"
    title = "The quote was used already"


class OverrideNotAllowed(CommerceError):
    """A price was set by hand without a reason, or deeper than the rules in force allow: `limit_minor`."""

    code = "override_not_allowed"
    status = 422
    title = "The price can't be set by hand"


class CouponExists(CommerceError):
    """A code of that name was made before, for another batch or customer."""

    code = "coupon_exists"
    title = "The code exists already"


class PricePackForged(CommerceError):
    """The price pack does not carry our signature, so what was sold by it can't be compared."""

    code = "price_pack_forged"
    status = 422
    title = "The price pack is not genuine"


class DraftNotFound(NotFound):
    """There is no such draft of the rules."""

    code = "ruleset_draft_not_found"
    title = "The draft was not found"


class DraftChanged(CommerceError):
    """Somebody else changed the draft since it was read; `changed_by` and `changes` say who and what."""

    code = "ruleset_draft_changed"
    title = "Somebody else changed the draft"


class DraftMoveNotAllowed(CommerceError):
    """The draft's state doesn't allow this; `allowed_actions` says what it does."""

    code = "ruleset_draft_move_not_allowed"
    title = "Not possible in this state"


class DraftConflicts(CommerceError):
    """Findings stand in the way of submitting: errors, or warnings that nobody gave a reason for."""

    code = "ruleset_draft_conflicts"
    title = "The draft has conflicts"


class NotAuthor(CommerceError):
    """Drafts are written by people, who answer for them."""

    code = "not_an_author"
    status = 403
    title = "Drafts are written by people"


class NotApprover(CommerceError):
    """Whoever wrote a draft doesn't approve it, nor does somebody without that right."""

    code = "not_an_approver"
    status = 403
    title = "Somebody else has to approve"


class ApprovedAlready(CommerceError):
    """This person decided already, or about a submission that is no longer the present one."""

    code = "approval_out_of_date"
    title = "Decided already"


class PriceFileNotFound(NotFound):
    """There is no such file of prices."""

    code = "price_file_not_found"
    title = "The file was not found"


class PriceFileNotReady(CommerceError):
    """The file is not so far, or rows of it have faults (`rows_wrong`): mend them, or take the good rows alone."""

    code = "price_file_not_ready"
    title = "The file can't be written like this"


class ExemptionNotFound(NotFound):
    """There is no such exemption from prior prices."""

    code = "prior_price_exemption_not_found"
    title = "The exemption was not found"


class SimulationNotFound(NotFound):
    """There is no such simulation of a draft."""

    code = "promotion_simulation_not_found"
    title = "The simulation was not found"


class TooManySimulations(CommerceError):
    """Simulations of this draft are under way already."""

    code = "too_many_promotion_simulations"
    status = 429
    title = "Simulations are under way"


class PreconditionMissing(CommerceError):
    """A change has to name what it was made for: If-Match with the ETag as it was read."""

    code = "precondition_missing"
    status = 428
    title = "Say what the change was made for"
