"""The demo's week of trade: orders that live through the real verbs, hour by hour, up to the present moment.

Every order is a story: steps with their times. All steps of all orders are carried out in the order of time, so that
journals, events and timelines read as if people had worked; what would lie in the future is left undone.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from commerce import clock
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
from orders import cancellation, picking, pickup, pickup_windows, placement, promises, shipping, visits
from orders.demo import people, places, retailer
from orders.demo.retailer import Retailer
from orders.models import Fulfilment, FulfilmentLine
from orders.routing import loads
from pricing import quoting
from pricing.quotes import BasketLine, ChannelTerms

if TYPE_CHECKING:
    from commerce.models import User

BERLIN = "BER01"
HISTORY_DAYS = 6
ORDERS_PER_DAY = 7
MOST_LINES = 4
MOST_PIECES = 3
ENOUGH_PIECES = 8  # what a product needs to have had at a store for the demo to sell it there
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(slots=True)
class Story:
    """One order: what is bought where, by whom, and what happens when. `window` is none for a shipment."""

    reference: str
    channel: str
    location: str
    lines: list[tuple[str, int]]
    customer: int
    placed_at: datetime
    window: datetime | None = None
    ship_to: dict[str, str] | None = None
    steps: list[tuple[datetime, "Step"]] = field(default_factory=list)
    order_id: UUID | None = None
    fulfilment_id: UUID | None = None


Step = Callable[[Retailer, Story, datetime], None]


@dataclass(slots=True)
class Stage:
    """What stories are written with: the dice, the retailer, the present moment, and the customers so far."""

    retailer: Retailer
    dice: random.Random
    now: datetime
    customers: int = 0

    def basket(self, location: str, *, most_lines: int = MOST_LINES) -> list[tuple[str, int]]:
        sellable = self.retailer.well_stocked(location, ENOUGH_PIECES)
        chosen = self.dice.sample(sellable, self.dice.randint(1, most_lines))
        return [(sku, self.dice.randint(1, MOST_PIECES)) for sku in chosen]

    def someone(self) -> int:
        """A customer: mostly a new one, now and then one who has bought before."""
        if self.customers > 5 and self.dice.random() < 0.3:
            return self.dice.randrange(self.customers)
        self.customers += 1
        return self.customers - 1

    def slot(
        self, location: str, *, placed_at: datetime, not_before: datetime | None = None, place: int = 0
    ) -> datetime | None:
        """Return the start of the `place`-th window that was bookable then, or the last one there was."""
        ref = self.retailer.locations[location]
        starts = [start for start, _ in pickup_windows.windows_between(ref, at=placed_at, days=ref.pickup_horizon_days)]
        fitting = [start for start in starts if not_before is None or start >= not_before]
        return fitting[min(place, len(fitting) - 1)] if fitting else None

    def slot_just_before_now(self, location: str, *, place: int = 0) -> datetime:
        """Return the start of the latest window that has begun (`place` counts back from it)."""
        ref = self.retailer.locations[location]
        starts = [start for start, _ in pickup_windows.windows_between(ref, at=self.now - 3 * DAY, days=4)]
        begun = [start for start in starts if start <= self.now]
        return begun[-1 - min(place, len(begun) - 1)]


def stories(shop: Retailer, *, now: datetime) -> list[Story]:
    """Write all stories of the demo: six days of history, Berlin's queue of today, and parcels under way."""
    stage = Stage(shop, random.Random(retailer.SEED + 2), now)  # noqa: S311 (a demo, not a secret)
    written = [*_history(stage), *_berlin(stage), *_elsewhere(stage), *_parcels(stage)]
    for number, story in enumerate(written):
        story.reference = f"A-{number + 1:05d}"
    return written


def play(shop: Retailer, written: list[Story], *, now: datetime, progress: retailer.Progress) -> None:
    """Carry out everything that has happened by `now`, in the order of time. Needs an open transaction."""
    events: list[tuple[datetime, int, Step, Story]] = []
    for number, story in enumerate(written):
        events.append((story.placed_at, number, _place, story))
        events += [(at, number, step, story) for at, step in story.steps]
    for at, _, step, story in sorted(events, key=lambda event: event[:2]):
        if at <= now:
            with clock.frozen(at):
                step(shop, story, at)
        progress(1)


def count(written: list[Story]) -> int:
    """Return how many steps `play` reports to its progress callback."""
    return sum(1 + len(story.steps) for story in written)


# --- the stories ------------------------------------------------------------------------------------------------------


def _history(stage: Stage) -> Iterator[Story]:
    """Days gone by: pickups at all stores, most of them fetched, a few cancelled or never fetched."""
    stores = [place.code for place in places.PLACES if place.values["kind"] == "store"]
    for day in range(HISTORY_DAYS, 0, -1):
        for number in range(ORDERS_PER_DAY):
            location = BERLIN if number < 2 else stage.dice.choice(stores)
            placed_at = stage.now - day * DAY - stage.dice.randint(0, 600) * MINUTE
            window = stage.slot(location, placed_at=placed_at, place=stage.dice.randint(0, 5))
            if window is None:
                continue
            story = _pickup(stage, location, placed_at, window)
            if number == ORDERS_PER_DAY - 1:
                story.steps = [(placed_at + 25 * MINUTE, _cancel)]
            elif number == 1 and day > HISTORY_DAYS - 2:
                story.steps = [*_prepared(story, window), (window + 3 * DAY + 2 * HOUR, _no_show)]
                if day == HISTORY_DAYS:
                    story.steps.append((window + 3 * DAY + 3 * HOUR, _return_to_stock))
            else:
                story.steps = [*_prepared(story, window), (window + stage.dice.randint(5, 55) * MINUTE, _hand_over)]
            yield story


def _berlin(stage: Stage) -> Iterator[Story]:
    """The queue of the station store right now: something in every column, some of it late."""
    now = stage.now
    for number in range(7):  # new, for the next windows
        placed_at = now - (5 + 7 * number) * MINUTE
        window = stage.slot(BERLIN, placed_at=placed_at, not_before=now + 10 * MINUTE, place=number // 2)
        if window is not None:
            yield _pickup(stage, BERLIN, placed_at, window)
    for number in range(2):  # new and overdue: nobody took them on
        window = stage.slot_just_before_now(BERLIN, place=number)
        yield _pickup(stage, BERLIN, window - 5 * HOUR - number * 20 * MINUTE - DAY, window)
    for number, share in enumerate((0, 1, 2)):  # being worked on, by two people
        placed_at = now - (70 + 11 * number) * MINUTE
        window = stage.slot(BERLIN, placed_at=placed_at, place=0)
        if window is None:
            continue
        story = _pickup(stage, BERLIN, placed_at, window, least_lines=share + 1)
        clerk = "clerk.berlin" if number % 2 == 0 else "clerk2.berlin"
        story.steps = [(now - (6 - number) * MINUTE, _accept_as(clerk))]
        if share:
            story.steps.append((now - 4 * MINUTE, _scan_some(clerk, share)))
        if share > 1:
            story.steps.append((now - 2 * MINUTE, _reject_last(clerk)))
        yield story
    for number in range(5):  # ready; two of them wait outside
        window = stage.slot_just_before_now(BERLIN, place=number // 2)
        story = _pickup(stage, BERLIN, window - DAY - (3 + number) * HOUR, window)
        story.steps = _prepared(story, window)
        if number < 2:
            story.steps.append((now - (3 + 4 * number) * MINUTE, _arrive(f"P{number + 1}")))
        yield story
    window = stage.slot_just_before_now(BERLIN)  # cancelled when it was ready: lies on the shelf
    story = _pickup(stage, BERLIN, window - DAY - 2 * HOUR, window)
    story.steps = [*_prepared(story, window), (now - 12 * MINUTE, _cancel)]
    yield story


def _elsewhere(stage: Stage) -> Iterator[Story]:
    """An order or two for the next windows of every other store."""
    for number, place in enumerate(place for place in places.PLACES if place.values["kind"] == "store"):
        if place.code == BERLIN:
            continue
        for window_number in range(1 + number % 2):
            placed_at = stage.now - (4 + 13 * number) * MINUTE
            window = stage.slot(place.code, placed_at=placed_at, place=window_number)
            if window is not None:
                yield _pickup(stage, place.code, placed_at, window)


def _parcels(stage: Stage) -> Iterator[Story]:
    """Shipments to homes: some have left, some wait to be picked where the router put them."""
    homes = [("web-de", "LAGER-DE", place) for place in places.POSTAL_PLACES if place[0] == "DE"]
    homes += [("web-ch", "LAGER-CH", place) for place in places.POSTAL_PLACES if place[0] == "CH"]
    for number in range(10):
        channel, location, (country, postal_code, city, _, _) = homes[(number * 5) % len(homes)]
        placed_at = stage.now - (2 + 9 * number) * HOUR
        story = Story(
            "", channel, location, stage.basket(location), stage.someone(), placed_at,
            ship_to={"street": f"Lindenweg {number + 3}", "postal_code": postal_code, "city": city, "country": country},
        )  # fmt: skip
        if number >= 4:
            story.steps = [*_prepared(story, placed_at + 6 * HOUR), (placed_at + 8 * HOUR, _ship)]
        yield story


def _pickup(stage: Stage, location: str, placed_at: datetime, window: datetime, *, least_lines: int = 1) -> Story:
    country = stage.retailer.locations[location].country
    channel = {"DE": "web-de", "AT": "web-at", "CH": "web-ch"}[country]
    if country == "DE" and stage.dice.random() < 0.3:
        channel = "app"
    lines = stage.basket(location)
    while len(lines) < least_lines:
        lines = stage.basket(location)
    return Story("", channel, location, lines, stage.someone(), placed_at, window=window)


def _prepared(story: Story, promised_at: datetime) -> list[tuple[datetime, Step]]:
    """Taken on, picked and called ready by someone who works there, shortly before it was promised."""
    accepted_at = max(story.placed_at + 2 * MINUTE, promised_at - 40 * MINUTE)
    return [
        (accepted_at, _accept),
        (accepted_at + 4 * MINUTE, _scan_all),
        (accepted_at + 6 * MINUTE, _mark_ready),
    ]


# --- the steps --------------------------------------------------------------------------------------------------------


def _possible(shop: Retailer, story: Story, wished: datetime, at: datetime) -> datetime:
    """Return the window that a customer chose, or the next one in which the store can have it ready."""
    loads.forget()  # days pass within a second here
    place = shop.locations[story.location]
    basket = promises.Basket(len(story.lines), sum(pieces for _sku, pieces in story.lines))
    offered = promises.windows(place, "pickup", basket, at=at, days=place.pickup_horizon_days + 1)
    later = [one.starts_at for one in offered if one.left and one.starts_at >= wished]
    return later[0] if later else wished


def _place(shop: Retailer, story: Story, at: datetime) -> None:
    channel = shop.channels[story.channel]
    customer = people.customer(story.customer, channel.country)
    if story.window is not None:
        story.window = _possible(shop, story, story.window, at)
    lines = [BasketLine(shop.products[sku], pieces) for sku, pieces in story.lines]
    terms = ChannelTerms(channel.channel_id, channel.currency, channel.country)
    quote = quoting.give(lines, channel=terms, at=at, by=shop.actors[story.channel])
    placed = placement.place(
        IncomingOrder(
            external_reference=story.reference,
            method="ship" if story.window is None else "pickup",
            location_id=None if story.window is None else shop.locations[story.location].id,
            window_starts_at=story.window,
            lines=tuple(IncomingLine(product_id=shop.products[sku], quantity=pieces) for sku, pieces in story.lines),
            customer=IncomingCustomer(
                name=customer.name, email=customer.email, phone=customer.phone, language=customer.language
            ),
            ship_to=story.ship_to,
            quote_id=quote.id,
        ),
        channel=channel,
        by=shop.actors[story.channel],
        at=at,
    )
    story.order_id = placed.order.id
    story.fulfilment_id = Fulfilment.objects.values_list("id", flat=True).get(order_id=story.order_id)


def _accept(shop: Retailer, story: Story, at: datetime) -> None:
    user, by = _worker(shop, story)
    pickup.accept(_of(story), user=user, by=by, at=at)


def _accept_as(username: str) -> Step:
    def step(shop: Retailer, story: Story, at: datetime) -> None:
        user = shop.staff[username]
        pickup.accept(_of(story), user=user, by=Actor.staff(user), at=at)

    return step


def _scan_all(shop: Retailer, story: Story, at: datetime) -> None:
    user, by = _worker(shop, story)
    _scan(shop, story, list(_open_lines(story)), user=user, by=by, at=at)


def _scan_some(username: str, lines: int) -> Step:
    def step(shop: Retailer, story: Story, at: datetime) -> None:
        user = shop.staff[username]
        _scan(shop, story, list(_open_lines(story))[:lines], user=user, by=Actor.staff(user), at=at)

    return step


def _scan(shop: Retailer, story: Story, lines: list[FulfilmentLine], *, user: "User", by: Actor, at: datetime) -> None:
    for line in lines:
        barcode = shop.articles[line.product.sku].gtin
        for piece in range(line.quantity):
            picking.scan(_of(story), retailer.minted("scan", line.id, piece), barcode, user=user, by=by, at=at)


def _reject_last(username: str) -> Step:
    def step(shop: Retailer, story: Story, at: datetime) -> None:
        user = shop.staff[username]
        last = list(_open_lines(story))[-1]
        picking.reject_line(
            _of(story), last.id, 1, picking.RejectReason.NOT_FOUND, user=user, by=Actor.staff(user), at=at
        )

    return step


def _mark_ready(shop: Retailer, story: Story, at: datetime) -> None:
    user, by = _worker(shop, story)
    pickup.mark_ready(_of(story), user=user, by=by, at=at)


def _arrive(bay: str) -> Step:
    def step(shop: Retailer, story: Story, at: datetime) -> None:
        visits.seen_outside(_of(story), by=Actor.customer(story.order_id), at=at, bay=bay)

    return step


def _hand_over(shop: Retailer, story: Story, at: datetime) -> None:
    user, by = _worker(shop, story)
    code = Fulfilment.objects.values_list("pickup_code", flat=True).get(pk=_of(story))
    pickup.hand_over(_of(story), code, user=user, by=by, at=at)


def _ship(shop: Retailer, story: Story, at: datetime) -> None:
    user, by = _worker(shop, story)
    shipping.ship(_of(story), user=user, by=by, at=at, tracking_number=f"DEMO{story.reference[2:]}")


def _cancel(shop: Retailer, story: Story, at: datetime) -> None:
    if story.order_id is not None:
        by = Actor.customer(story.order_id)
        cancellation.cancel_order(story.order_id, by=by, at=at, reason="changed my mind")


def _no_show(shop: Retailer, story: Story, at: datetime) -> None:
    keep_until = Fulfilment.objects.values_list("keep_until", flat=True).get(pk=_of(story))
    if keep_until is not None and keep_until <= at:
        pickup.mark_no_show(_of(story), by=Actor.system("no-shows"), at=at)


def _return_to_stock(shop: Retailer, story: Story, at: datetime) -> None:
    user, by = _worker(shop, story)
    pickup.return_to_stock(_of(story), user=user, by=by, at=at)


def _of(story: Story) -> UUID:
    if story.fulfilment_id is None:
        raise RuntimeError(f"order {story.reference} was not placed")
    return story.fulfilment_id


def _open_lines(story: Story) -> Iterator[FulfilmentLine]:
    lines = FulfilmentLine.objects.filter(fulfilment_id=_of(story)).select_related("product")
    for line in lines.order_by("order_line__line_number", "product_id"):
        if line.picked + line.rejected < line.quantity:
            yield line


def _worker(shop: Retailer, story: Story) -> tuple["User", Actor]:
    """Who does the work: someone of the place the goods are at, which for a parcel the router has chosen."""
    code = story.location
    if story.window is None:
        chosen = Fulfilment.objects.values_list("location_id", flat=True).get(pk=_of(story))
        code = next(code for code, ref in shop.locations.items() if ref.id == chosen)
    user = shop.staff[people.clerk_at(code)]
    return user, Actor.staff(user)
