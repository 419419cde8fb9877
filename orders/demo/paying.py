"""How the demo's orders were paid: in all ways, with what goes wrong; and a settlement that does not quite fit the books."""

from datetime import datetime, timedelta

from commerce import clock, ids
from orders import queries
from orders.demo.retailer import ACTOR, Retailer
from orders.lifecycle import OrderStatus
from orders.models import Order
from orders.paying import Concern, PaymentVerb, PayMethod, Picture, RequestState
from orders.payments import collecting, errands, following, gift_cards, ledger, requests
from orders.payments.collecting import Wanted
from orders.payments.ledger import PaymentView
from orders.queries import OrderView
from orders.settlements import files, matching

MINUTE = timedelta(minutes=1)
GIFT_CODE = "KAFFEEUNDKUCHEN2"  # in the tour of the README
GIFT_MINOR = 5_000
# How one order after another is paid; what doesn't fit an order becomes a card.
WAYS = ("card", "card", "till", "gift", "card", "later", "card", "transfer", "cash", "declined", "card", "unpaid")
FEE_BASIS_POINTS, FEE_FIXED = 150, 25


def pay(shop: Retailer, *, now: datetime) -> None:
    """Pay the orders of the week, let the money follow the goods, and read the settlement of it. Needs an open transaction."""
    with clock.frozen(now - timedelta(days=8)):
        _card, code = gift_cards.issue(
            amount_minor=GIFT_MINOR, currency="EUR", cause=("demo", "gift"), code=GIFT_CODE, by=ACTOR, at=clock.now()
        )
    rows = Order.objects.filter(currency="EUR").order_by("placed_at", "id").values_list("id", flat=True)
    for place, order_id in enumerate(list(rows)):
        order = queries.order(order_id)
        if ledger.of_order(order_id):
            continue
        with clock.frozen(min(order.placed_at + MINUTE, now)):
            _paid(order, WAYS[place % len(WAYS)], code)
        with clock.frozen(min(max(order.changed_at, order.placed_at) + MINUTE, now)):
            _follow(order)
    _settled(now)
    with clock.frozen(now):
        _lost(now)
        matching.run(by=ACTOR, at=now)


def _paid(order: OrderView, way: str, code: str) -> None:
    at = clock.now()
    if way == "unpaid":
        return
    if order.status is OrderStatus.CANCELLED or order.total_minor == 0:
        ordered = int(order.pricing.get("total_minor", 0)) or 1990
        made = ledger.add(
            ids.new(), order_id=order.id, gateway="till" if way == "cash" else "demo",
            method=PayMethod.CASH if way == "cash" else PayMethod.CARD, currency=order.currency, amount_minor=ordered,
            by=ACTOR, at=at,
        )  # fmt: skip
        taken = ordered if way == "cash" else 0
        ledger.observe(made.id, Picture(authorised=ordered, captured=taken), by=ACTOR, at=at)
        return
    is_sent = any(one.method == "ship" for one in order.fulfilments)
    if way == "declined":
        made = ledger.add(
            ids.new(), order_id=order.id, gateway="demo", method=PayMethod.CARD, currency=order.currency,
            amount_minor=order.total_minor, label="Visa •••• 0002", by=ACTOR, at=at,
        )  # fmt: skip
        ledger.observe(made.id, Picture(failure="insufficient_funds"), by=ACTOR, at=at)
    elif way == "gift":
        left = gift_cards.find(code, currency="EUR", at=at).balance_minor
        if left:
            amount = min(left, max(order.total_minor // 2, 1))
            _begin(order, Wanted(method=PayMethod.GIFT_CARD, gift_card_code=code, amount_minor=amount))
    elif way in ("till", "cash"):
        _begin(order, Wanted(method=PayMethod.CARD if way == "till" else PayMethod.CASH, provider="till"))
        return
    elif way == "transfer":
        _begin(order, Wanted(method=PayMethod.BANK_TRANSFER))
        return
    elif way == "later" and is_sent and collecting.eligibility(order, order.total_minor).is_offered:
        _begin(order, Wanted(method=PayMethod.PAY_LATER, provider="demo"))
        return
    if following.to_pay_minor(order, ledger.of_order(order.id)):
        _begin(order, Wanted(method=PayMethod.CARD, provider="demo", label="Visa •••• 4242"))


def _begin(order: OrderView, wanted: Wanted) -> None:
    at = clock.now()
    _payment_id, asked = collecting.begin(order.id, wanted, by=ACTOR, at=at)
    errands.carry_out_at_home(asked, by=ACTOR, at=at)


def _follow(order: OrderView) -> None:
    at = clock.now()
    for _ in range(2):
        following.follow(order.id, by=ACTOR, at=at)
        for request_id in requests.due_of_order(order.id, at=at):
            errands.carry_out_at_home(request_id, by=ACTOR, at=at)


def _settled(now: datetime) -> None:
    """Let the provider and the bank say what they moved up to yesterday, with a few differences as there always are."""
    payments = [one for found in ledger.of_orders(Order.objects.values_list("id", flat=True)).values() for one in found]
    cards = [
        one
        for one in payments
        if one.gateway == "demo" and one.amounts.captured and one.created_at < now - timedelta(days=1)
    ]
    transfers = [one for one in payments if one.gateway == "bank"]
    numbers = dict(Order.objects.values_list("id", "number"))
    for number, one in enumerate(cards):
        ledger.name(one.id, f"demo_{number + 1:06d}")
    lines = ["reporting_category,payment_intent_id,created,gross,fee,currency,description"]
    net = 0
    for number, one in enumerate(cards):
        amount = one.amounts.captured + (100 if number == 3 else 0)  # a sum that is not ours
        if number % 9 == 8:
            continue  # the provider left it out
        fee = (amount * FEE_BASIS_POINTS + 5_000) // 10_000 + FEE_FIXED
        net += amount - fee
        lines.append(f"charge,demo_{number + 1:06d},{_day(one)},{_major(amount)},{_major(fee)},eur,")
    lines.append(f"charge,demo_unknown,{(now - timedelta(days=2)).date()},19.90,0.55,eur,Nobody knows this one")
    lines.append(f"payout,,{(now - timedelta(days=1)).date()},-{_major(net)},0,eur,Payout to the account")
    lines.append("charge,broken,yesterday,12.00,0.43,eur,A line that nobody can read")
    files.read("\n".join(lines).encode(), source="demo", name="demo-cards.csv", by=ACTOR, at=now)
    bank = ["Buchungstag;Betrag;Verwendungszweck", f"{now.date():%d.%m.%Y};{_german(net)};DEMO PAYMENTS payout"]
    for number, one in enumerate(transfers):
        said = f"Bestellung {numbers[one.order_id]}" if one.order_id and number % 3 != 1 else "Danke und Gruss"
        amount = one.amount_minor - (200 if number % 3 == 2 else 0)
        bank.append(f"{now.date():%d.%m.%Y};{_german(amount)};{said}")
    bank.append(f"{(now - timedelta(days=12)).date():%d.%m.%Y};-850,00;Miete Lager")
    bank.append(f"{(now - timedelta(days=5)).date():%d.%m.%Y};37,50;Gutschrift ohne Angabe")
    files.read("\n".join(bank).encode(), source="bank", name="kontoauszug.csv", by=ACTOR, at=now)


def _lost(now: datetime) -> None:
    """Let one payment need a person: its hold ends before its goods leave, and nobody extends it."""
    for found in ledger.of_orders(Order.objects.filter(status=OrderStatus.OPEN).values_list("id", flat=True)).values():
        for one in found:
            if one.gateway == "demo" and one.amounts.capturable and not requests.open_of(one.id):
                asked = requests.plan(one.id, PaymentVerb.EXTEND, cause=("expiry", "demo"), by=ACTOR, at=now)
                requests.start(asked.id, until=now, at=now)
                requests.end(asked.id, RequestState.REFUSED, answer="not_offered", by=ACTOR, at=now)
                ledger.worry(one.id, Concern.LOST_AUTHORISATION, by=ACTOR, at=now)
                return


def _day(one: PaymentView) -> str:
    return one.created_at.date().isoformat()


def _major(minor: int) -> str:
    return f"{minor / 100:.2f}"


def _german(minor: int) -> str:
    return _major(minor).replace(".", ",")
