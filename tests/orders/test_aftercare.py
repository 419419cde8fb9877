"""What customers hear when pieces are missing, money goes back, or a return comes in or is not accepted."""

from datetime import timedelta

import pytest

from commerce import clock, relay
from commerce.channels.contracts import IncomingCustomer, IncomingLine
from commerce.roles import Permission
from commerce.transactions import transaction
from orders import picking, pickup, proposals, shortage_choices
from orders.notifications import sending
from orders.return_states import Origin, Reason
from orders.returns import files, refunding
from orders.returns.chances import Coming
from orders.returns.files import Found
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import payments as pay
from tests.orders import mail_server
from tests.orders.test_substitutions import product

pytestmark = pytest.mark.django_db
ERIKA = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language="de")


@pytest.fixture
def mail(settings):
    """Let mails go to a real SMTP server."""
    with mail_server.serving() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server


def send(mail) -> list[str]:
    """Deliver and send all that is due; return the texts of the mails, subject first."""
    relay.drain(within=20)
    before = len(mail.got)
    sending.send_due(at=clock.now() + timedelta(minutes=1))
    return [f"{one['subject']}\n{one.get_body(preferencelist=('plain',)).get_content()}" for one in mail.got[before:]]


def collected(shop, pieces: int = 2):
    order = shop.ready({0: pieces}, customer=ERIKA)
    pay.payment(order.id, order.total_minor, authorised=order.total_minor, captured=order.total_minor)
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    return order


def test_who_is_proposed_other_goods_reads_which_for_how_much_until_when_and_who_agreed_before_what_comes(shop, mail):
    shop.products[0] = product(shop.store, make.PRICE_MINOR, name="Darjeeling")
    other = product(shop.store, make.PRICE_MINOR - 100, name="Assam")
    line = IncomingLine(product_id=shop.products[0].id, quantity=1, takes_substitutes=True)
    for order in (shop.accepted({0: 1}, customer=ERIKA), shop.accepted(lines=(line,), customer=ERIKA)):
        work = order.fulfilments[0]
        shop.act(proposals.propose, work, work.lines[0].id, 1, "damaged", other.sku)
    told = send(mail)
    [asked] = [one for one in told if "zurückgelegt" in one]
    [comes] = [one for one in told if "Wie Sie es bei der Bestellung erlaubt haben" in one]
    for words in ("1 × Darjeeling", "1 × Assam für 10,90\xa0€ (1,00\xa0€ weniger als bestellt)", "14:00", "/track/"):
        assert words in asked
    assert "1 × Assam" in comes


def test_who_misses_pieces_is_asked_with_a_link_and_not_once_they_have_chosen(shop, mail):
    first, second = shop.accepted({0: 2}, customer=ERIKA), shop.accepted({1: 2}, customer=ERIKA)
    for order in (first, second):
        work = order.fulfilments[0]
        shop.act(picking.reject_line, work, work.lines[0].id, 1, "damaged")
    relay.drain(within=20)
    [asked] = shortage_choices.asked(second.id, at=clock.now())
    with transaction():
        shortage_choices.choose(second.tracking_token, asked.id, "decline", at=clock.now())
    told = [one for one in send(mail) if "fehlt" in one]
    assert len(told) == 1
    assert f"1 × {first.lines[0].name}" in told[0]
    assert first.tracking_token in told[0]


def test_money_that_goes_back_is_told_with_its_amount(shop, mail):
    order = collected(shop)
    send(mail)
    with transaction():
        refunding.goodwill(
            order.id, 550, "sorry", permissions=[Permission.REFUND_ORDERS], by=ground.TESTER, at=clock.now()
        )
    [told] = send(mail)
    assert "5,50 €" in told.replace("\N{NO-BREAK SPACE}", " ")


def test_a_return_that_came_by_parcel_is_confirmed_and_one_that_is_refused_is_told(shop, mail):
    order = collected(shop)
    send(mail)
    for is_accepted in (True, False):
        with transaction():
            return_id = files.announce(
                order.id, [Coming(order.lines[0].id, 1, Reason.WITHDRAWAL)], origin=Origin.CUSTOMER, by=ground.TESTER,
                at=clock.now(),
            )  # fmt: skip
        with transaction():
            files.receive(return_id, shop.store.id, by=ground.TESTER, at=clock.now())
        [told] = send(mail)
        assert "ist angekommen" in told
        with transaction():
            file = files.claim(return_id)
            if is_accepted:
                seen = {line.id: Found(sellable=line.quantity) for line in file.live}
                files.inspect(return_id, seen, by=ground.TESTER, at=clock.now())
            else:
                files.refuse(return_id, "worn", by=ground.TESTER, at=clock.now())
        assert [("nicht" in one) for one in send(mail)] == ([] if is_accepted else [True])
