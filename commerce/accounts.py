"""The one writer of users. What a person may do where is given by the inventory room's assignments."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import translation

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.models import User
from commerce.transactions import transaction_required

LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)


@transaction_required
def add_user(
    username: str, password: str, name: str, language: str = "de", *, is_administrator: bool = False, by: Actor
) -> User:
    """Add a person who can sign in. `is_administrator` opens the admin; roles per location are given apart from this.

    Raises: InvalidInput for a weak password, an unusable user name or an unknown language; DuplicateCode.
    """
    _check_language(language)
    first, _, last = name.strip().partition(" ")
    user = User(username=User.normalize_username(username), first_name=first[:150], last_name=last[:150])
    user.language = language
    user.is_staff = user.is_superuser = is_administrator
    try:
        User.username_validator(user.username)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from error
    _check_password(password, user)
    if not user.username or len(user.username) > 150:
        raise InvalidInput("A user name has 1 to 150 characters.")
    if User.objects.filter(username=user.username).exists():
        raise DuplicateCode(f"There is a user {username} already.", username=username)
    user.set_password(password)
    user.save()
    audit.record(
        "commerce.accounts.add_user",
        "user",
        user.pk,
        by=by,
        after={"language": language, "is_administrator": is_administrator},
    )
    return user


@transaction_required
def set_language(user_id: int, language: str, *, by: Actor) -> None:
    """Let a person be spoken to in `language` ("de" or "en") from the next page on.

    Raises: InvalidInput for another language, NotFound.
    """
    _check_language(language)
    user = _locked(user_id)
    if user.language != language:
        before, user.language = user.language, language
        user.save(update_fields=["language"])
        audit.record(
            "commerce.accounts.set_language",
            "user",
            user.pk,
            by=by,
            before={"language": before},
            after={"language": language},
        )


@transaction_required
def rename(user_id: int, first_name: str, last_name: str, *, by: Actor) -> None:
    """Change what a person is called on screens. The audit says that it happened, not the names. Raises: NotFound."""
    user = _locked(user_id)
    if (user.first_name, user.last_name) != (first_name, last_name):
        user.first_name, user.last_name = first_name[:150], last_name[:150]
        user.save(update_fields=["first_name", "last_name"])
        audit.record("commerce.accounts.rename", "user", user.pk, by=by)


@transaction_required
def set_password(user_id: int, password: str, *, by: Actor) -> None:
    """Give a person a new password; their other sessions end. Raises: InvalidInput for a weak one, NotFound."""
    user = _locked(user_id)
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record("commerce.accounts.set_password", "user", user.pk, by=by)


@transaction_required
def set_active(user_id: int, is_active: bool, *, by: Actor) -> None:
    """Let a person sign in, or no longer: their open sessions end with the next request. Raises: NotFound."""
    user = _locked(user_id)
    if user.is_active != is_active:
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        audit.record(
            "commerce.accounts.set_active",
            "user",
            user.pk,
            by=by,
            before={"is_active": not is_active},
            after={"is_active": is_active},
        )


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(f"There is no user {user_id}.", user=user_id)
    return user


def _check_password(password: str, user: User) -> None:
    try:
        with translation.override("en"):
            validate_password(password, user)
    except ValidationError as error:
        message = " ".join(error.messages)
        raise InvalidInput(message, errors=[{"field": "password", "value": None, "message": message}]) from error


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        message = f"A language is one of {', '.join(LANGUAGES)}."
        raise InvalidInput(message, errors=[{"field": "language", "value": language, "message": message}])


integrity.refuse("commerce_user_username_key", lambda: DuplicateCode("A user with this name exists already."))
