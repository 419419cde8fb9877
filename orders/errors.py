"""Named refusals of orders: each says what was asked, why that can't be, and the way out. [pure]"""

from commerce.errors import CommerceError, NotFound


class OrderNotFound(NotFound):
    """There is no such order, or it belongs to another channel."""

    code = "order_not_found"
    title = "Order not found"


class FulfilmentNotFound(NotFound):
    """There is no such fulfilment, or it has no such line."""

    code = "fulfilment_not_found"
    title = "Fulfilment not found"


class DuplicateReference(CommerceError):
    """The channel placed another order under this reference before; an identical one would have been returned."""

    code = "duplicate_reference"
    title = "This reference was used for another order"


class WindowClosed(CommerceError):
    """The pickup window does not exist, has begun, lies too near to prepare the goods, or beyond the horizon."""

    code = "window_closed"
    title = "The pickup window is not open"


class WindowFull(CommerceError):
    """The pickup window has no capacity left."""

    code = "window_full"
    title = "The pickup window is full"


class TooLateToday(CommerceError):
    """No place that could deliver it on the same day can prepare it before its doors close."""

    code = "too_late_today"
    title = "Too late for a delivery today"


class LocationNotAble(CommerceError):
    """The location is inactive or does not offer the method."""

    code = "location_not_able"
    title = "The location can't do that"


class NoAbleLocation(CommerceError):
    """No location is active and able to do what the order needs."""

    code = "no_able_location"
    title = "No location can do that"


class MoveNotAllowed(CommerceError):
    """The lifecycle knows no such step from the state that the fulfilment is in."""

    code = "move_not_allowed"
    title = "Not possible in this state"


class AlreadyTaken(CommerceError):
    """Someone else holds the pick lease."""

    code = "already_taken"
    title = "Someone else works on it"


class LinesStillOpen(CommerceError):
    """Lines are neither picked nor rejected, so the order is not ready."""

    code = "lines_still_open"
    title = "Not everything is picked"


class MoreThanWanted(CommerceError):
    """More pieces were picked or rejected than the line still wants."""

    code = "more_than_wanted"
    title = "More pieces than wanted"


class TooManyCodeAttempts(CommerceError):
    """The pickup code was wrong too often; someone with more rights must check who collects."""

    code = "too_many_code_attempts"
    title = "The pickup code is locked"


class AgeNotConfirmed(CommerceError):
    """The goods are only for people of an age, and nobody confirmed that whoever collects has reached it."""

    code = "age_not_confirmed"
    title = "The age must be checked first"


class OrderOnHold(CommerceError):
    """The order is held, so nothing of it moves towards its customer: `holds` say for what and who may release each."""

    code = "order_on_hold"
    title = "The order is on hold"


class CannotHold(CommerceError):
    """The order is over, so there is nothing to hold."""

    code = "cannot_hold"
    title = "There is nothing left to hold"


class HoldUnknown(NotFound):
    """The order is not held for this, or not any longer."""

    code = "order_hold_not_found"
    title = "The order is not held for this"


class ChoiceOver(CommerceError):
    """What the customer could choose about was settled otherwise, or is not to be had any more."""

    code = "choice_over"
    title = "Nothing to choose any more"


class ParcelsChanged(CommerceError):
    """A parcel is not in the state that this needs: open, closed, empty, labelled, or not packed as a whole."""

    code = "parcels_changed"
    title = "The parcels are not ready for that"


class CannotCancel(CommerceError):
    """The goods have left already, so that there is nothing to cancel."""

    code = "cannot_cancel"
    title = "The order can't be cancelled any more"


class CannotChange(CommerceError):
    """What was to be changed has gone too far for that; the sentence says what is possible instead."""

    code = "cannot_change"
    title = "The order can't be changed like that any more"


class AddressNotServed(CommerceError):
    """Nothing of this order can be sent to that address: another country's VAT, an export, or customs between."""

    code = "address_not_served"
    title = "This order can't be sent there"


class PreviewOutdated(CommerceError):
    """What the change would do is not what was looked at any more: `preview` says what it would do now."""

    code = "preview_outdated"
    title = "The preview is out of date"


class NotReturnable(CommerceError):
    """These units can't come back: not delivered, back already, excluded, too late, or across customs; `lines` say which."""

    code = "not_returnable"
    title = "This can't be returned"


class ReturnNotFound(NotFound):
    """There is no such return, or it belongs to another channel."""

    code = "return_not_found"
    title = "Return not found"


class ReturnStateWrong(CommerceError):
    """A return in this `state` can't do that; `allowed_actions` say what is possible."""

    code = "return_state_wrong"
    title = "Not possible for this return now"


class RefundTooHigh(CommerceError):
    """More was to be given back than the customer paid and has not got back: `left_minor`."""

    code = "refund_too_high"
    title = "More than is left to give back"


class RefundNotFound(NotFound):
    """There is no such refund that waits for a decision."""

    code = "refund_not_found"
    title = "No refund waits for this decision"


class StillKept(CommerceError):
    """The order is still kept for its customer, so that it is too early to call it a no-show."""

    code = "still_kept"
    title = "The order is still kept for its customer"


class CaseNotFound(NotFound):
    """There is no such exception, or not at the caller's place."""

    code = "exception_not_found"
    title = "Exception not found"


class CaseStateWrong(CommerceError):
    """The exception is settled, so that nothing is left to decide: `state`."""

    code = "exception_state_wrong"
    title = "The exception is settled"


class NoticeNotFound(NotFound):
    """There is no such message, or not for an order that the caller may see."""

    code = "notice_not_found"
    title = "Message not found"


class PolicyNotFound(NotFound):
    """There is no routing policy with this version."""

    code = "policy_not_found"
    title = "Routing policy not found"


class PolicyUntried(CommerceError):
    """A version of the routing policy may not go live before it was simulated on past orders."""

    code = "policy_untried"
    title = "The policy was not tried yet"


class SimulationNotFound(NotFound):
    """There is no such simulation of a routing policy."""

    code = "simulation_not_found"
    title = "Simulation not found"


class TooManySimulations(CommerceError):
    """Simulations of this version are under way already."""

    code = "too_many_simulations"
    title = "Simulations are under way"


class CannotSubstitute(CommerceError):
    """These goods can't be proposed in place of missing ones: `reason` says why."""

    code = "cannot_substitute"
    title = "Can't be proposed instead"


class TooManyMoves(CommerceError):
    """The customer has moved this pickup as often as they may: `most`."""

    code = "too_many_moves"
    title = "The pickup was moved too often"
