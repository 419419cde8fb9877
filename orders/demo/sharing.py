"""What the demo withholds: a buffer, a holdback, a draft with its preview, a dynamic policy, and a guarantee that runs."""

from datetime import datetime, timedelta

from commerce.actors import Actor
from inventory.places import groups
from inventory.sharing import buffer_rules, dynamic_buffers, obligations
from inventory.sharing.buffer_rules import Draft
from inventory.sharing.dynamic_buffers import PolicyDraft
from inventory.sharing.obligations import Agreement
from inventory.sharing.scopes import ScopeIds
from orders.demo.retailer import Retailer

ANIMALS, SEEDS, KNIVES = "Garten/Tiere", "Garten/Saatgut", "Küche/Schneiden"
PIECES_FOR_THE_MARKETPLACE = 60


def withhold(shop: Retailer, *, now: datetime) -> None:
    """Write the demo's rules down and activate most of them. Needs an open transaction, goods and channels."""
    by = Actor.staff(shop.staff["merch"])
    berlin = groups.set_group(
        "berlin",
        "Berliner Filialen",
        [ref.id for code, ref in shop.locations.items() if code.startswith("BER")],
        by=by,
    )
    marketplace, web = shop.channels["marketplace"].channel_id, shop.channels["web-de"].channel_id
    lag = Draft(
        name="Sicherheitspuffer Marktplatz",
        purpose="buffer",
        kind="fixed",
        amount=1,
        scope=ScopeIds(channel_id=marketplace),
    )
    walk_in = Draft(
        name="Laufkundschaft Berlin", purpose="holdback", kind="fixed", amount=2,
        scope=ScopeIds(group_id=berlin, category=KNIVES), ends_at=now + timedelta(days=60),
    )  # fmt: skip
    for wanted in (lag, walk_in):
        rule_id = buffer_rules.propose(wanted, by=by, at=now)
        buffer_rules.activate(rule_id, words=wanted.name, by=by, at=now)
    draft = Draft(
        name="Restposten nicht online", purpose="buffer", kind="cut_off", amount=3, scope=ScopeIds(channel_id=web)
    )
    buffer_rules.propose(draft, by=by, at=now)
    rush = PolicyDraft(
        name="Ansturm auf Saatgut", minimum=0, maximum=5, step_limit=2, scope=ScopeIds(channel_id=web, category=SEEDS)
    )
    dynamic_buffers.activate(dynamic_buffers.draft(rush, by=by, at=now), by=by, at=now)
    agreement = Agreement(
        name="Herbstaktion Wildtiere", scope=ScopeIds(channel_id=marketplace, category=ANIMALS),
        quantity=PIECES_FOR_THE_MARKETPLACE, starts_at=now, ends_at=now + timedelta(days=14),
    )  # fmt: skip
    obligations.agree(agreement, by=by, at=now)
