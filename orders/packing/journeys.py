"""Where parcels are: carriers are asked from time to time, each piece of news is kept once, and the customer sees it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from commerce import clock, logs
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import durable, transaction
from orders.carriers import directory
from orders.carriers.port import CarrierError, Scan, Stage
from orders.floor import LabelState
from orders.models import Parcel, ParcelLine, ParcelNews, ShipLabel
from orders.packing import delays, parcels

LOOKS_EVERY = timedelta(minutes=30)
LOOKS_FOR = timedelta(days=30)
MOST_AT_ONCE = 50
MOST_NEWS = 100  # of one parcel

FOLLOWER = Actor.system("parcels")

log = logs.get(__name__)


@durable
def look() -> int:
    """Ask carriers where parcels are that were not asked about lately; return how many were. One call and one transaction each."""
    at = clock.now()
    rows = (
        ShipLabel.objects.filter(
            state=LabelState.MADE.value, carrier__in=list(directory.all_of_them()), parcel__left_at__gt=at - LOOKS_FOR
        )
        .exclude(parcel__stage=Stage.DELIVERED.value)
        .exclude(parcel__looked_at__gt=at - LOOKS_EVERY)
        .select_related("parcel")
        .order_by(F("parcel__looked_at").asc(nulls_first=True), "parcel_id")  # new ones first[:MOST_AT_ONCE]
    )
    asked = 0
    for label in list(rows):
        carrier = directory.get(label.carrier)
        if carrier is None:
            continue
        try:
            scans = carrier.track(label.tracking_number)
        except CarrierError as error:
            log.info("no news", parcel=str(label.parcel_id), error=str(error))
            scans = []
        with transaction():
            note(label.parcel, scans, at=at)
        _follow(label.parcel_id, scans, at=at)
        asked += 1
    return asked


def _follow(parcel_id: UUID, scans: Sequence[Scan], *, at: datetime) -> None:
    """Let promises follow the last day that the carrier named, while the parcel is on its way."""
    if any(one.stage is Stage.DELIVERED for one in scans):
        return
    last = max((one for one in scans if one.expected_by), key=lambda one: one.occurred_at, default=None)
    if last is None or last.expected_by is None:
        return
    try:
        with transaction():
            delays.follow(parcel_id, last.expected_by, by=FOLLOWER, at=at)
    except CommerceError as refusal:
        log.info("promised anew later", parcel=str(parcel_id), code=refusal.code)


def note(parcel: Parcel, scans: Sequence[Scan], *, at: datetime) -> None:
    """Keep news of a parcel, each once; a parcel that was delivered stays delivered, however late other news come."""
    found = list(scans)[:MOST_NEWS]
    ParcelNews.objects.bulk_create(
        [
            ParcelNews(
                parcel=parcel, stage=one.stage.value, text=one.text, place=one.place, occurred_at=one.occurred_at
            )
            for one in found
        ],
        ignore_conflicts=True,
    )
    stages = [one.stage for one in sorted(found, key=lambda one: one.occurred_at) if one.stage is not Stage.UNKNOWN]
    stage = (
        Stage.DELIVERED if Stage.DELIVERED in (parcel.stage, *stages) else stages[-1] if stages else Stage(parcel.stage)
    )
    parcels.note_stage(parcel, stage.value, at=at)


def of_fulfilments(fulfilment_ids: list[UUID]) -> list[dict[str, object]]:
    """Return the parcels in which goods of fulfilments left, with number, carrier and news, for the customer's page.

    `orders` are the numbers of the customer's other orders that are in it. Four queries.
    """
    inside = ParcelLine.objects.filter(line__fulfilment_id__in=fulfilment_ids).values("parcel_id")
    rows = list(
        Parcel.objects.filter(Q(fulfilment_id__in=fulfilment_ids) | Q(pk__in=inside), left_at__isnull=False)
        .select_related("fulfilment")
        .order_by("left_at", "number")
    )
    labels = {
        one.parcel_id: one
        for one in ShipLabel.objects.filter(parcel__in=rows, state=LabelState.MADE.value).defer("document")
    }
    news: dict[UUID, list[ParcelNews]] = {}
    for one in ParcelNews.objects.filter(parcel__in=rows).order_by("-occurred_at"):
        news.setdefault(one.parcel_id, []).append(one)
    others: dict[UUID, set[str]] = {}
    more = ParcelLine.objects.filter(parcel__in=rows).exclude(line__fulfilment_id__in=fulfilment_ids)
    for parcel_id, number in more.values_list("parcel_id", "line__fulfilment__order__number"):
        others.setdefault(parcel_id, set()).add(number)
    return [
        {
            "number": row.number, "stage": row.stage, "left_at": row.left_at,
            "arrived_at": row.arrived_at, "lost_at": row.lost_at, "is_to_store": row.fulfilment.store_id is not None,
            "fulfilment_id": row.fulfilment_id, "deliver_by": row.fulfilment.deliver_by,
            "carrier": labels[row.id].carrier if row.id in labels else "",
            "tracking_number": labels[row.id].tracking_number if row.id in labels else "",
            "news": news.get(row.id, []), "orders": sorted(others.get(row.id, ())),
        }
        for row in rows
    ]  # fmt: skip
