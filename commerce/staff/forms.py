"""What staff type into the shell's own pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

LONGEST_REASON = 200  # characters; the audit's column


class SignInForm(forms.Form):
    """User name and password. Whether the name exists is never said."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        error_messages={"required": _("Enter your user name.")},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        error_messages={"required": _("Enter your password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class DismissForm(forms.Form):
    """Why a parked message is given up for good."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        min_length=3,
        error_messages={
            "required": _("Say why it may be dropped; the reason stays in the history."),
            "min_length": _("Say why it may be dropped; the reason stays in the history."),
        },
    )
