"""What the exceptions desk calls things: severities, states, outcomes and the steps of a case."""

from django.utils.translation import gettext_lazy as _

from commerce.roles import Role
from orders.desk import CaseState, Outcome, Severity
from orders.staff.words import Text, Word

SEVERITIES: dict[str, Word] = {
    Severity.CRITICAL.value: Word(_("critical"), "siren", "bad"),
    Severity.HIGH.value: Word(_("serious"), "triangle-alert", "warn"),
    Severity.NORMAL.value: Word(_("normal"), "circle-alert", "info"),
    Severity.LOW.value: Word(_("minor"), "info", "done"),
}

STATES: dict[str, Word] = {
    CaseState.OPEN.value: Word(_("open"), "inbox", "new"),
    CaseState.SNOOZED.value: Word(_("put off"), "alarm-clock", "busy"),
    CaseState.SETTLED.value: Word(_("settled"), "check-check", "done"),
}

OUTCOMES: dict[str, Text] = {
    Outcome.CLEARED.value: _("its cause is gone"),
    Outcome.ACTED.value: _("settled by the action taken"),
    Outcome.DONE.value: _("done"),
    Outcome.ACCEPTED.value: _("accepted as it is"),
    Outcome.MISTAKEN.value: _("it was a mistake"),
}

ROLES: dict[str, Text] = {
    Role.CLERK.value: _("Clerk"),
    Role.STORE_MANAGER.value: _("Store manager"),
    Role.SERVICE_AGENT.value: _("Service agent"),
    Role.MERCHANDISER.value: _("Merchandiser"),
    Role.ADMINISTRATOR.value: _("Administrator"),
}

STEPS: dict[str, Word] = {
    "open": Word(_("Reported"), "triangle-alert"),
    "take": Word(_("Taken on"), "user-check"),
    "give_back": Word(_("Given back"), "undo-2"),
    "snooze": Word(_("Put off"), "alarm-clock"),
    "wake": Word(_("Open again"), "alarm-clock-check"),
    "escalate": Word(_("Handed up: nobody settled it in time"), "trending-up"),
    "act": Word(_("Action taken"), "zap"),
    "settle": Word(_("Settled"), "check-check"),
}
