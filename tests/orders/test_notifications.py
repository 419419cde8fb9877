"""Messages to customers: planned once per event, sent outside of any transaction, tried again, parked where a person sees it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from commerce import clock, ids, relay
from commerce.channels.contracts import IncomingCustomer
from commerce.errors import InvalidInput, NotFound
from commerce.models import OutboxMessage, User
from commerce.transactions import savepoint, transaction
from orders import cancellation, exceptions, notifications, pickup, queries
from orders.exceptions import cases
from orders.models import DeskCase, Notice, NoticeTemplate
from orders.notices import MOST_ATTEMPTS, NoticeChannel, Text, faults, filled, next_attempt, paragraphs_of
from orders.notifications import catalogue, letters, notices, sending, templates
from orders.queries import OrderView
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.orders import mail_server, sms_provider

ERIKA = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language="de")
PHONE = "+4915112345678"


@pytest.fixture
def mail(settings: Any) -> Iterator[mail_server.MailServer]:
    """Let mails go to a real SMTP server."""
    with mail_server.serving() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server


@pytest.fixture
def sms(settings: Any) -> Iterator[sms_provider.Provider]:
    """Let SMS go to a provider."""
    with sms_provider.serving() as provider:
        settings.SMS_URL, settings.SMS_FROM = provider.url, "Kontor"
        yield provider


def _deliver() -> None:
    relay.drain(within=20)


def _send(minutes: float = 0) -> int:
    return sending.send_due(at=clock.now() + timedelta(minutes=minutes))


def _texts(mail: Any) -> str:
    return str(mail.get_body(preferencelist=("plain",)).get_content())


# --- what is sent, to whom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "subject", "says"),
    [
        ("de", "Abholbereit: Ihre Bestellung {number}", "Abholcode: {code}"),
        ("en", "Ready for pickup: your order {number}", "Pickup code: {code}"),
    ],
)
def test_a_pickup_that_is_ready_is_told_in_the_customers_language(
    shop: make.Shop, mail: mail_server.MailServer, language: str, subject: str, says: str
) -> None:
    order = shop.ready(customer=IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language=language))
    _deliver()
    assert _send() == 2
    _confirmed, ready = mail.got
    assert ready["To"] == "erika@example.org"
    assert str(ready["Subject"]).startswith(subject.format(number=order.number))
    assert says.format(code=order.fulfilments[0].pickup_code) in _texts(ready)
    assert f"/track/{order.tracking_token}/" in _texts(ready)
    html = ready.get_body(preferencelist=("html",)).get_content()
    assert 'href="http' in html
    assert order.fulfilments[0].pickup_code in html
    assert mail.connections == 1  # one for the batch


def test_an_event_that_comes_again_is_told_once(shop: make.Shop, mail: mail_server.MailServer) -> None:
    order = shop.place(customer=ERIKA)
    _deliver()
    planned = notifications.Planned(catalogue.get("order.confirmed"), order, _event("order.placed"), {})
    for _ in range(3):
        with transaction():
            assert notifications.plan([planned], at=clock.now()) == 0
    assert (_send(), _send()) == (1, 0)
    assert len(mail.got) == 1


def _event(event_type: str) -> str:
    return str(OutboxMessage.objects.get(event_type=event_type).message_id)


def test_urgent_messages_go_by_sms_too_and_by_sms_alone_where_there_is_no_address(
    shop: make.Shop, mail: mail_server.MailServer, sms: sms_provider.Provider
) -> None:
    shop.ready(customer=IncomingCustomer(name="Erika", email="erika@example.org", phone=PHONE))
    shop.ready(customer=IncomingCustomer(name="Max", phone=PHONE))
    _deliver()
    _send()
    assert len(mail.got) == 2  # received and ready, for Erika
    assert [form["To"] for form in sms.accepted] == [PHONE, PHONE]
    assert all("abholbereit" in form["Body"] and "/track/" in form["Body"] for form in sms.accepted)


def test_without_an_address_the_channel_is_asked_to_tell_its_customer(shop: make.Shop) -> None:
    order = shop.place(customer=IncomingCustomer(name="Max"))
    _deliver()
    told = OutboxMessage.objects.get(event_type="notification.wanted")
    assert (told.channel_id, told.payload["message"]) == (shop.channel.pk, "order.confirmed")
    assert told.payload["tracking_url"].endswith(f"/track/{order.tracking_token}/")
    assert Notice.objects.get(order_id=order.id).state == "sent"


def test_advertising_is_silenced_without_consent(shop: make.Shop) -> None:
    order = shop.place(customer=ERIKA)
    message = catalogue.Message(
        code="test.sale",
        title="Sale",
        texts={("de", NoticeChannel.EMAIL): Text("Schlussverkauf", "Alles muss raus: {tracking_url}")},
        is_marketing=True,
    )
    catalogue.register(message)
    try:
        with transaction():
            notifications.plan([notifications.Planned(message, order, "summer", {})], at=clock.now())
        row = Notice.objects.get(code="test.sale")
        assert (row.state, row.reason) == ("silenced", "no_consent")
        with pytest.raises(InvalidInput), transaction():
            notifications.resend(row.id, by=shop.by, at=clock.now())
    finally:
        del catalogue._messages["test.sale"]


def test_what_is_not_true_any_more_is_not_sent(shop: make.Shop, mail: mail_server.MailServer) -> None:
    order = shop.ready(customer=ERIKA)
    _deliver()
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    _send()
    ready = Notice.objects.get(order_id=order.id, code="pickup.ready")
    assert (ready.state, ready.reason) == ("silenced", "no_longer_true")


def test_old_news_is_no_news(shop: make.Shop) -> None:
    shop.place(customer=ERIKA)
    with clock.frozen(clock.now() + notices.STALE + timedelta(minutes=1)):
        _deliver()
    assert not Notice.objects.exists()


def test_nothing_personal_stands_in_the_log(shop: make.Shop, mail: mail_server.MailServer) -> None:
    mail.refuse_recipient = "550 5.1.1 <erika@example.org> unknown"
    order = shop.place(customer=ERIKA)
    _deliver()
    _send()
    row = Notice.objects.get(order_id=order.id)
    assert (row.state, row.last_error) == ("parked", "recipient refused [550]")
    case = DeskCase.objects.get(kind=notices.UNDELIVERABLE)
    for kept in (repr(list(Notice.objects.values())), repr(case.facts)):
        assert "erika" not in kept.lower()


# --- when it fails ----------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_waited_for_and_then_a_person_is_asked(
    shop: make.Shop, mail: mail_server.MailServer
) -> None:
    mail.refuse_data = "451 4.3.0 try again later"
    order = shop.place(customer=ERIKA)
    _deliver()
    at, attempts = clock.now(), 0
    while Notice.objects.get(order_id=order.id).state == "pending":
        at = Notice.objects.get(order_id=order.id).next_attempt_at or at
        attempts += sending.send_due(at=at)
    assert attempts == MOST_ATTEMPTS
    [case] = cases.of_order(order.id)
    assert (case.kind, case.location_id) == (notices.UNDELIVERABLE, order.fulfilments[0].location_id)
    mail.refuse_data = ""
    with transaction():
        exceptions.act(case.id, "send_again", user=shop.clerk, by=shop.by, at=clock.now())
    _send()
    assert str(mail.only()["Subject"]).startswith("Ihre Bestellung")
    assert not cases.of_order(order.id)


@pytest.mark.parametrize(
    ("misbehaves", "state", "error"),
    [
        (429, "pending", "SMS 429 code 20429"),
        (503, "pending", "SMS 503 code 20503"),
        (401, "pending", "SMS 401 code 20003"),
        ("hang up", "pending", "ConnectionError"),
        (400, "parked", "SMS 400 code 400"),
    ],
)
def test_what_the_provider_says_decides_whether_it_is_tried_again(
    shop: make.Shop, sms: sms_provider.Provider, misbehaves: Any, state: str, error: str
) -> None:
    sms.misbehaves.append(misbehaves)
    order = shop.ready(customer=IncomingCustomer(name="Max", phone=PHONE))
    _deliver()
    _send()
    row = Notice.objects.get(order_id=order.id, channel="sms")
    assert (row.state, row.last_error) == (state, error)
    if misbehaves == 429:  # the pause that was asked for is kept
        assert row.next_attempt_at == clock.now() + timedelta(seconds=900)
    if state == "pending":
        sending.send_due(at=row.next_attempt_at)
        assert Notice.objects.get(pk=row.pk).receipt.startswith("SM")


def test_two_senders_share_the_work(shop: make.Shop) -> None:
    shop.place(customer=ERIKA)
    _deliver()
    with transaction():
        first = notices.claim(at=clock.now(), at_most=10)
    with transaction():
        second = notices.claim(at=clock.now(), at_most=10)
    assert (len(first), len(second)) == (1, 0)
    with transaction():
        [late] = notices.claim(at=clock.now() + notices.LEASE, at_most=10)
    with transaction():  # the first one comes back from a long wait: the message is not its any more
        notices.sent(first[0], receipt="late", version=0, at=clock.now())
    assert Notice.objects.get(pk=late.pk).state == "pending"


def test_the_log_holds_a_message_once(shop: make.Shop) -> None:
    shop.place(customer=ERIKA)
    _deliver()
    row = Notice.objects.get()
    with pytest.raises(DatabaseError, match="notice_once"), savepoint():
        Notice.objects.create(
            id=ids.new(), key=row.key, code=row.code, channel="email", event="x", state="silenced",
            created_at=clock.now(),
        )  # fmt: skip


# --- texts ------------------------------------------------------------------------------------------------------------


def test_every_text_that_comes_along_is_whole_and_fits() -> None:
    for message in catalogue.every():
        for (language, channel), text in message.texts.items():
            wrong = faults(text, channel, message.all_variables, message.needed)
            assert not wrong, (message.code, language, channel, wrong)
        languages = {language for language, channel in message.texts if channel is NoticeChannel.EMAIL}
        assert languages == {"de", "en"}, message.code


def test_a_new_version_counts_and_the_old_one_stays(shop: make.Shop) -> None:
    email = NoticeChannel.EMAIL
    for number in (1, 2, 2):
        with transaction():
            row = templates.write(
                "order.cancelled", language="de", channel=email, text=Text(f"Schade {number}", "Hier: {tracking_url}"),
                user=shop.clerk, by=shop.by, at=clock.now(),
            )  # fmt: skip
        assert row.version == number
    written = templates.current("order.cancelled", "de", email)
    assert written is not None
    assert (written.text.subject, written.version) == ("Schade 2", 2)
    with pytest.raises(DatabaseError, match="journal"), savepoint():
        NoticeTemplate.objects.filter(pk=row.pk).update(subject="gefälscht")


@pytest.mark.parametrize(
    ("subject", "body", "field"),
    [
        ("Hallo {nmae}", "{tracking_url}", "subject"),
        ("Hallo", "Ohne Link", "body"),
        ("Hallo", "{tracking_url} {", "body"),
        ("", "{tracking_url}", "subject"),
        ("Hallo", "", "body"),
        ("Zwei\nZeilen", "{tracking_url}", "subject"),
        ("Hallo", "{tracking_url}" + "x" * 5_001, "body"),
    ],
)
def test_a_text_with_a_fault_is_refused_with_the_way_out(shop: make.Shop, subject: str, body: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused, transaction():
        templates.write(
            "order.cancelled", language="de", channel=NoticeChannel.EMAIL, text=Text(subject, body), user=None,
            by=shop.by, at=clock.now(),
        )  # fmt: skip
    assert refused.value.errors[0]["field"] == field
    assert not NoticeTemplate.objects.exists()
    with pytest.raises(NotFound), transaction():
        templates.write(
            "no.such", language="de", channel=NoticeChannel.EMAIL, text=Text("a", "b"), user=None, by=shop.by,
            at=clock.now(),
        )  # fmt: skip


def test_what_customers_are_called_can_do_no_harm_in_html(shop: make.Shop) -> None:
    order = shop.place(customer=IncomingCustomer(name="<script>alert(1)</script>", email="x@example.org"))
    composed = letters.compose(
        catalogue.get("order.confirmed"), order, channel=NoticeChannel.EMAIL, facts={}, reference="r"
    )
    assert composed is not None
    letter, version = composed
    assert version == 0
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html


@given(st.text(max_size=80), st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=20)))
def test_filling_in_never_fails_and_leaves_no_variable(text: str, values: dict[str, str]) -> None:
    made = filled("{a} x {b}\n" + text.replace("{", "").replace("}", ""), values)
    assert "{a}" not in made.replace(values.get("a", ""), "").replace(values.get("b", ""), "") or values
    assert isinstance(paragraphs_of(made), list)


def test_lines_of_nothing_but_empty_variables_go_away() -> None:
    text = "Hallo\n\nFenster: {window}\nCode: {code}\n\n{missing}\n\nTschüs"
    assert filled(text, {"code": "ABC"}) == "Hallo\n\nCode: ABC\n\nTschüs"


@given(st.integers(1, 30), st.one_of(st.none(), st.integers(0, 10**7)))
def test_pauses_grow_are_bounded_and_end(attempts: int, asked: int | None) -> None:
    pause = timedelta(seconds=asked) if asked is not None else None
    following = next_attempt(attempts, at=make.NOON, asked=pause)
    if attempts >= MOST_ATTEMPTS:
        assert following is None
    else:
        assert following is not None
        assert make.NOON < following <= make.NOON + timedelta(days=1)


# --- people -----------------------------------------------------------------------------------------------------------


def test_staff_see_the_messages_of_an_order_and_send_one_again(
    shop: make.Shop, mail: mail_server.MailServer, signed_in: Callable[[User], Client]
) -> None:
    order = shop.place(customer=ERIKA)
    _deliver()
    _send()
    browser = signed_in(shop.manager)
    page = browser.get(reverse("orders-staff:order", args=[order.id])).content.decode()
    assert "Bestellung eingegangen" in page or "Order received" in page
    row = Notice.objects.get()
    assert browser.post(reverse("orders-staff:resend", args=[order.id, row.id])).status_code == 302
    _send()
    assert len(mail.got) == 2
    elsewhere = signed_in(make.shop().manager)
    assert elsewhere.post(reverse("orders-staff:resend", args=[order.id, row.id])).status_code == 404


def test_a_message_is_sent_again_only_so_often(shop: make.Shop) -> None:
    shop.place(customer=ERIKA)
    _deliver()
    row = Notice.objects.get()
    for _ in range(notices.MOST_COPIES):
        with transaction():
            notifications.resend(row.id, by=shop.by, at=clock.now())
    with pytest.raises(InvalidInput), transaction():
        notifications.resend(row.id, by=shop.by, at=clock.now())


def test_a_cancelled_order_is_told(shop: make.Shop, mail: mail_server.MailServer) -> None:
    order: OrderView = shop.place(customer=ERIKA)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    _deliver()
    _send()
    assert [str(one["Subject"]).split()[-1] for one in mail.got][-1] == "storniert"
    assert queries.order(order.id).status == "cancelled"
