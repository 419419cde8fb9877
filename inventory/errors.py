"""Named refusals of the inventory room."""

from commerce.errors import CommerceError, Conflict, NotFound


class InsufficientStock(CommerceError):
    """There is less to promise than wanted. `lines` names each product, wanted and available; `alternatives` where else.

    detail: lines=[{sku, product_id, location, wanted, available}], alternatives=[{sku, location, name, distance_km, available}]
    """

    code = "insufficient_stock"
    title = "Not enough stock"


class HoldNotFound(NotFound):
    """The reservation does not exist, or belongs to another channel (which looks the same on purpose)."""

    code = "hold_not_found"
    title = "Reservation not found"


class HoldExpired(CommerceError):
    """The reservation's time is over; its goods may be someone else's by now."""

    code = "hold_expired"
    status = 410
    title = "Reservation expired"


class HoldEnded(Conflict):
    """The reservation was already used by an order, or released."""

    code = "hold_ended"
    title = "Reservation already ended"


class HoldTooOld(Conflict):
    """The reservation can't be extended that far: its whole life is limited. `latest` says until when it can."""

    code = "hold_too_old"
    title = "Reservation can't live longer"


class HoldElsewhere(Conflict):
    """The reservation holds goods at another location than the order wants them from."""

    code = "hold_elsewhere"
    title = "Reservation is for another location"


class AllocationOverdrawn(Conflict):
    """More was to leave or be released than the allocation still holds."""

    code = "allocation_overdrawn"
    title = "More than was promised"


class StockRuleViolated(Conflict):
    """A movement would bring a stock level below what is there or promised."""

    code = "stock_rule_violated"
    title = "The stock does not allow this"


class LocationUnknown(CommerceError):
    """No active location has this code."""

    code = "unknown_location"
    status = 422
    title = "Unknown location"


class DiscrepancyNotFound(NotFound):
    """The discrepancy does not exist, or not for this caller."""

    code = "discrepancy_not_found"
    title = "Discrepancy not found"


class DiscrepancySettled(Conflict):
    """The discrepancy ended already: `state` says how."""

    code = "discrepancy_settled"
    title = "Discrepancy already settled"


class NotRepairable(Conflict):
    """No entry in the journal could put this discrepancy right; it has to be settled with a note."""

    code = "not_repairable"
    title = "Nothing to book"


class StatementNotAgreed(CommerceError):
    """Nothing is agreed with this source about such figures: it is unknown or off, or means something else or another place."""

    code = "statement_not_agreed"
    status = 422
    title = "Not agreed with this source"


class StatementOutdated(Conflict):
    """The figures are older than the last ones of this source and place, or older than they may be: `as_of`."""

    code = "statement_outdated"
    title = "Newer figures are known"


class StatementDiffers(CommerceError):
    """A statement with this id was read before and said something else."""

    code = "statement_differs"
    status = 422
    title = "The id belongs to another statement"


class NotGoods(CommerceError):
    """A charge such as postage has no stock, so it can't be received or adjusted. `errors` names each line."""

    code = "not_goods"
    status = 422
    title = "Not goods"


class RuleUnknown(NotFound):
    """There is no replenishment rule with this number."""

    code = "rule_unknown"
    title = "Rule not found"


class RuleContradicts(CommerceError):
    """A replenishment rule contradicts itself or another active one. `errors` names the field and the way out."""

    code = "rule_contradicts"
    status = 422
    title = "The rule contradicts itself or another"


class ProposalUnknown(NotFound):
    """There is no such proposal to reorder, or not at the caller's locations."""

    code = "proposal_unknown"
    title = "Proposal not found"


class ProposalNotOpen(Conflict):
    """The proposal was decided or superseded meanwhile: `state` says how."""

    code = "proposal_not_open"
    title = "The proposal is not open any more"


class SharingStateWrong(Conflict):
    """A rule, policy or obligation is not in the state that this needs: `state`."""

    code = "sharing_state_wrong"
    title = "Not in this state"


class PreviewNeeded(Conflict):
    """A rule is activated by someone who has seen what it changes: a preview of this content, and a fresh one."""

    code = "preview_needed"
    title = "Look at the preview first"


class ConfirmationNeeded(Conflict):
    """The rule would withhold everything, somewhere or everywhere; `words` is what has to be written to confirm that."""

    code = "confirmation_needed"
    title = "This has to be confirmed in words"


class SupplierUnknown(CommerceError):
    """No active supplier has this code."""

    code = "unknown_supplier"
    status = 422
    title = "Unknown supplier"


class PurchaseOrderNotFound(NotFound):
    """There is no such purchase order or expected delivery."""

    code = "purchase_order_not_found"
    title = "Purchase order not found"


class PurchaseOrderStateWrong(Conflict):
    """The purchase order is in a state in which this can't be done: `state`; `allowed_actions` lists what can."""

    code = "purchase_order_state_wrong"
    title = "Not in this state of the purchase order"


class OrderTermsMissed(CommerceError):
    """The supplier takes other quantities, or only orders of a higher value; `lines` says which quantities would fit."""

    code = "order_terms_missed"
    status = 422
    title = "The supplier's terms are not met"


class ReceivedAlready(Conflict):
    """A purchase order can't be changed to fewer pieces than were received: `sku`, `wanted`, `received`."""

    code = "received_already"
    title = "More was received already"


class AnnouncementOutdated(Conflict):
    """A newer word about this delivery is known: `known_as_of`."""

    code = "announcement_outdated"
    title = "A newer announcement is known"


class ReferenceTaken(Conflict):
    """The supplier's reference names another purchase order already: `number`."""

    code = "reference_taken"
    title = "The reference is taken"


class NotFreeToMove(Conflict):
    """More was to leave than is there and promised to nobody. `lines` names each: wanted, free, on_hand, allocated, held."""

    code = "not_free_to_move"
    title = "Not that many are free"


class TransferNotFound(NotFound):
    """There is no transfer with this id."""

    code = "transfer_not_found"
    title = "Transfer not found"


class TransferDiffers(Conflict):
    """The id of the transfer belongs to one between other places."""

    code = "transfer_differs"
    title = "The id belongs to another transfer"


class TransferStateWrong(Conflict):
    """The transfer's `state` does not allow this; `allowed_actions` says what it does."""

    code = "transfer_state_wrong"
    title = "The transfer is past this, or not there yet"


class NotOnTransfer(Conflict):
    """Goods arrived that the transfer did not send; `errors` names each line."""

    code = "not_on_transfer"
    title = "These goods were not sent"


class MoreThanSent(Conflict):
    """More pieces were to be received than are still on the way. `lines` names each: sent, open, arrived."""

    code = "more_than_sent"
    title = "More than was sent"


class DifferenceUnexplained(Conflict):
    """Pieces of a transfer are missing and nobody said why. `lines` names each product: sent, missing."""

    code = "difference_unexplained"
    title = "The difference needs a reason"


class EntryNotFound(NotFound):
    """There is no entry with this id in the journal."""

    code = "entry_not_found"
    title = "Entry not found"


class NotCorrectable(Conflict):
    """The entry can't be corrected by its opposite: it moved no goods, belongs to a document, or was corrected already."""

    code = "not_correctable"
    title = "This entry can't be corrected"


class DemandOverdrawn(Conflict):
    """More was to be routed or withdrawn than an order line still has without a place."""

    code = "demand_overdrawn"
    title = "More than was accepted"


class GoodsAwaited(Conflict):
    """Pieces that were promised from goods to come can't leave before those are there. `waiting` pieces, `promised_on`."""

    code = "goods_awaited"
    title = "The goods are not there yet"


class PurchaseLimitReached(CommerceError):
    """One customer may have only so many of this product: `limit`, `name`, `per_customer`, `wanted` and what is `left`."""

    code = "purchase_limit_reached"
    title = "Limit per customer reached"


class CountNotFound(NotFound):
    """There is no such count, item of it or finding, or not at the caller's place."""

    code = "count_not_found"
    title = "Count not found"


class CountDiffers(Conflict):
    """The id of the count belongs to another one: another place, or about something else."""

    code = "count_differs"
    title = "The id belongs to another count"


class CountStateWrong(Conflict):
    """The count, its item or finding is in a state in which this can't be done: `state`."""

    code = "count_state_wrong"
    title = "Not in this state of the count"


class SecondPersonNeeded(Conflict):
    """Whoever counted an item can't decide about its difference: `skus` names the items."""

    code = "second_person_needed"
    title = "Somebody else has to decide"


class WaitingEntryNotFound(NotFound):
    """Nobody of the caller's channel waits under this id."""

    code = "waiting_entry_not_found"
    title = "Not on the waiting list"


class ScarcityClaimNotFound(NotFound):
    """Nothing was claimed under this id on the caller's channel."""

    code = "scarcity_claim_not_found"
    title = "Claim not found"
