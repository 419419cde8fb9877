"""Users: added with a good password, spoken to in their language, shut out when they leave."""

import pytest
from django.contrib.auth import authenticate

from commerce import accounts, audit
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.models import User
from commerce.transactions import transaction
from tests.factories import commerce as factories

pytestmark = pytest.mark.django_db
BY = factories.TESTER


def test_a_person_who_was_added_can_sign_in() -> None:
    user = factories.user("mira", name="Mira Beispiel Lang")
    assert authenticate(username="mira", password=factories.PASSWORD) == user
    assert (user.first_name, user.last_name, user.language, user.is_superuser) == ("Mira", "Beispiel Lang", "en", False)
    (entry,) = audit.timeline("user", user.pk)
    assert entry.after == {"language": "en", "is_administrator": False}  # no personal values


@pytest.mark.parametrize(
    "wrong",
    [{"password": "short"}, {"password": "1234567890"}, {"language": "fr"}, {"username": "a b"}, {"username": ""}],
)
def test_weak_passwords_and_odd_names_are_refused(wrong: dict) -> None:
    with pytest.raises(InvalidInput):
        factories.user(**wrong)
    assert not User.objects.exists()


def test_user_names_are_taken_once() -> None:
    factories.user("mira")
    with pytest.raises(DuplicateCode):
        factories.user("mira")


def test_language_and_access_change_with_an_audit() -> None:
    user = factories.user()
    for _ in range(2):
        with transaction():
            accounts.set_language(user.pk, "de", by=BY)
            accounts.set_active(user.pk, False, by=BY)
    user.refresh_from_db()
    assert (user.language, user.is_active) == ("de", False)
    assert len(audit.timeline("user", user.pk)) == 3
    assert authenticate(username=user.username, password=factories.PASSWORD) is None
    with pytest.raises(InvalidInput), transaction():
        accounts.set_language(user.pk, "xx", by=BY)
    with pytest.raises(NotFound), transaction():
        accounts.set_language(0, "de", by=BY)
