"""What is known of a payment depends on what providers told, not on when or how often they told it (law 12)."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import paying
from orders.paying import Amounts, PaidStatus, PaymentEventKind, PaymentStatus, PayMethod, Picture, Way

FIELDS = {
    PaymentEventKind.AUTHORISED: "authorised",
    PaymentEventKind.CAPTURED: "captured",
    PaymentEventKind.VOIDED: "released",
    PaymentEventKind.EXPIRED: "released",
    PaymentEventKind.REFUNDED: "refunded",
    PaymentEventKind.CHARGED_BACK: "charged_back",
    PaymentEventKind.CHARGEBACK_WON: "chargeback_won",
    PaymentEventKind.FEE_CHARGED: "fee",
}


def note(known: Amounts, picture: Picture) -> Amounts:
    for one in paying.news(known, picture):
        if one.kind in FIELDS:
            name = FIELDS[one.kind]
            known = replace(known, **{name: getattr(known, name) + one.amount_minor})
    return known


@st.composite
def histories(draw: st.DrawFn) -> list[Picture]:
    """The pictures of one payment as its provider saw it grow."""
    now, pictures = Picture(authorised=draw(st.integers(1, 500))), []
    for _ in range(draw(st.integers(1, 6))):
        pictures.append(now)
        step = draw(st.sampled_from(["capture", "release", "refund", "increase", "fee"]))
        free = now.authorised - now.captured - now.released
        if step == "capture" and free:
            now = replace(now, captured=now.captured + draw(st.integers(1, free)))
        elif step == "release" and free:
            now = replace(now, released=now.released + free)
        elif step == "refund" and now.captured > now.refunded:
            now = replace(now, refunded=now.refunded + draw(st.integers(1, now.captured - now.refunded)))
        elif step == "increase" and not now.released:
            now = replace(now, authorised=now.authorised + 10)
        elif step == "fee":
            now = replace(now, fee=now.fee + 1)
    return [*pictures, now]


@settings(max_examples=200, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_pictures_in_any_order_and_number_come_to_the_last_one(history: list[Picture], random) -> None:
    told = [*history, *random.choices(history, k=len(history))]
    random.shuffle(told)
    known = Amounts()
    for picture in told:
        before = known
        known = note(known, picture)
        assert known.captured + known.released <= known.authorised
        assert known.refunded <= known.captured
        assert (known.captured, known.refunded, known.released) >= (before.captured, 0, 0)
    last = history[-1]
    assert (known.authorised, known.captured, known.released, known.refunded, known.fee) == (
        last.authorised, last.captured, last.released, last.refunded, last.fee,
    )  # fmt: skip


def test_a_picture_that_breaks_the_law_is_no_news() -> None:
    with pytest.raises(paying.Contradiction):
        paying.news(Amounts(authorised=100), Picture(authorised=100, captured=101))
    with pytest.raises(paying.Contradiction):
        paying.news(Amounts(authorised=100, captured=50), Picture(authorised=100, captured=50, refunded=51))


amounts = st.builds(
    lambda authorised, captured, refunded, withheld: Amounts(
        authorised=authorised,
        captured=min(captured, authorised),
        refunded=min(refunded, captured, authorised),
        withheld=min(withheld, authorised - min(captured, authorised)),
    ),
    *[st.integers(0, 300)] * 4,
)
payments = st.lists(st.tuples(st.sampled_from([PayMethod.CARD, PayMethod.GIFT_CARD]), amounts), max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 900), payments, st.booleans())
def test_shares_never_exceed_what_a_payment_has_and_nothing_is_kept_that_could_go_back(
    wanted, known, delivered
) -> None:
    shares = paying.give_back(wanted, known, delivered=delivered)
    there = sum(one.capturable + one.refundable for _method, one in known)
    assert sum(share.amount_minor for share in shares) == min(wanted, there)
    for share in shares:
        one = known[share.payment][1]
        assert 0 < share.amount_minor <= (one.capturable if share.way is Way.RELEASE else one.refundable)
    assert shares == paying.give_back(wanted, known, delivered=delivered)


def test_gift_cards_are_spent_first_and_filled_last() -> None:
    gift, card = (
        (PayMethod.GIFT_CARD, Amounts(authorised=40, captured=40)),
        (PayMethod.CARD, Amounts(authorised=60, captured=60)),
    )
    assert paying.take(70, [(PayMethod.CARD, 60), (PayMethod.GIFT_CARD, 40)]) == [(1, 40), (0, 30)]
    shares = paying.give_back(70, [gift, card], delivered=True)
    assert [(share.payment, share.amount_minor) for share in shares] == [(1, 60), (0, 10)]


def test_what_is_only_held_is_let_go_before_anything_is_refunded_unless_the_goods_were_there() -> None:
    known = [(PayMethod.CARD, Amounts(authorised=100, captured=60))]
    assert [(s.way, s.amount_minor) for s in paying.give_back(50, known, delivered=False)] == [
        (Way.RELEASE, 40), (Way.REFUND, 10),
    ]  # fmt: skip
    assert [(s.way, s.amount_minor) for s in paying.give_back(50, known, delivered=True)] == [(Way.REFUND, 50)]


@pytest.mark.parametrize(
    ("sums", "status"),
    [
        ({}, PaymentStatus.PENDING),
        ({"has_failed": True}, PaymentStatus.FAILED),
        ({"authorised": 10}, PaymentStatus.AUTHORISED),
        ({"authorised": 10, "released": 10}, PaymentStatus.VOIDED),
        ({"authorised": 10, "captured": 4}, PaymentStatus.PARTLY_CAPTURED),
        ({"authorised": 10, "captured": 4, "released": 6}, PaymentStatus.CAPTURED),
        ({"authorised": 10, "captured": 10, "refunded": 4}, PaymentStatus.PARTLY_REFUNDED),
        ({"authorised": 10, "captured": 10, "refunded": 10}, PaymentStatus.REFUNDED),
        ({"authorised": 10, "captured": 10, "charged_back": 10}, PaymentStatus.CHARGED_BACK),
        ({"authorised": 10, "captured": 10, "charged_back": 10, "chargeback_won": 10}, PaymentStatus.CAPTURED),
    ],
)
def test_the_status_of_a_payment_follows_from_its_sums(sums, status) -> None:
    assert Amounts(**sums).status is status


@pytest.mark.parametrize(
    ("total", "known", "status"),
    [
        (100, [], PaidStatus.UNPAID),
        (100, [Amounts(authorised=40)], PaidStatus.PARTLY_COVERED),
        (100, [Amounts(authorised=40), Amounts(authorised=60, captured=60)], PaidStatus.COVERED),
        (100, [Amounts(authorised=100, captured=100)], PaidStatus.PAID),
        (60, [Amounts(authorised=100, captured=100)], PaidStatus.OVERPAID),
        (60, [Amounts(authorised=100, captured=100, owed=40)], PaidStatus.PAID),
        (0, [Amounts(authorised=100, captured=100, refunded=100)], PaidStatus.REFUNDED),
        (0, [], PaidStatus.NOTHING_TO_PAY),
    ],
)
def test_the_status_of_an_order_follows_from_its_payments(total, known, status) -> None:
    assert paying.paid_status(total, known) is status
