"""Periodic work of the inventory room. Each is safe to run twice and at the same time."""

from celery import shared_task

from commerce import clock, logs
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory import expiry, seal_proofs, seals
from inventory.promising import backorders, demands, policies, waiting_list
from inventory.reconciliation import mending, refused, statements
from inventory.replenishment import demand, forecasts, proposals, rules
from inventory.sharing import dynamic_buffers, obligations, times
from inventory.stocktaking import opening, value_classes

log = logs.get(__name__)

SWEEPER = Actor.system("reservation sweeper")
PLANNER = Actor.system("replenishment")
COUNTER = Actor.system("rules of counting")
LONGEST_NIGHT = 4 * 3600  # seconds that forecasting everything may take
SEALER = Actor.system("journal sealer")
SHARER = Actor.system("sharing")
MENDER = Actor.system("reconciling")
WAITING_LIST = Actor.system("waiting list")
SUBSCRIBERS_AT_ONCE = 1_000
DISCREPANCIES_AT_ONCE = 200
STATEMENTS_AT_ONCE = 1_000
PROMISER = Actor.system("promises")
LEVELS_AT_ONCE = 200
PRODUCTS_AT_ONCE = 500
MOST_ROUNDS = 50
SEGMENTS_AT_ONCE = 50  # 2.5 million entries, more than come in the time between two runs


@shared_task(time_limit=LONGEST_NIGHT)
def reorder() -> int:
    """Count demand, forecast every good and propose what to reorder; return how many proposals are new."""
    at = clock.now()
    for _ in demand.count_all():
        pass
    forecasts.run(at=at, uplifts=rules.Book().uplifts)
    return proposals.run(by=PLANNER, at=at).proposed


@shared_task(time_limit=LONGEST_NIGHT)
def open_counts() -> int:
    """Rank every place's goods by value, and begin a count where something is due; return how many counts began."""
    at = clock.now()
    for _ in demand.count_all():
        pass
    value_classes.classify_all(at=at)
    return opening.open_due(by=COUNTER, at=at)


@shared_task
def expire_reservations() -> int:
    """Free the goods of reservations whose time is over, so that channels are told; promises never waited for this."""
    swept = 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            done = expiry.expire_due(by=SWEEPER, at=clock.now(), at_most=LEVELS_AT_ONCE)
        swept += done
        if done < LEVELS_AT_ONCE:
            break
    return swept


@shared_task
def seal_journal() -> int:
    """Prove and seal what was written to the journal since the last run; say loudly when something of it is wrong."""
    done = seals.seal_waiting(by=SEALER, most_segments=SEGMENTS_AT_ONCE)
    for finding in done.refused.values():
        log.error(
            "journal_not_sealed", law=finding.check, what=finding.what, expected=finding.expected, found=finding.found
        )
    return done.entries


@shared_task
def mend_discrepancies() -> int:
    """Put right what a source's policy lets us put right without asking, once its patience is over."""
    mended = 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            done = mending.mend_due(by=MENDER, at=clock.now(), at_most=DISCREPANCIES_AT_ONCE)
        mended += done
        if done < DISCREPANCIES_AT_ONCE:
            break
    return mended


@shared_task
def forget_statements() -> int:
    """Delete stock statements, read or refused, that are too old for anybody to ask about."""
    with transaction():
        refused.forget(at=clock.now(), at_most=STATEMENTS_AT_ONCE)
        return statements.forget(at=clock.now(), at_most=STATEMENTS_AT_ONCE)


@shared_task
def follow_sharing() -> int:
    """Tell the channels about rules and guarantees that started or ended, and draw anew where owed pieces are kept."""
    with transaction():
        told = times.tell_starts_and_ends(by=SHARER, at=clock.now())
    with transaction():
        return told + obligations.spread_due(by=SHARER, at=clock.now())


@shared_task(time_limit=LONGEST_NIGHT)
def prove_seals() -> int:
    """Work out every seal again and keep the result; say loudly when something sealed is not as it was."""
    findings = seal_proofs.prove(by=SEALER)
    for finding in findings:
        log.error("seal_broken", law=finding.check, what=finding.what, expected=finding.expected, found=finding.found)
    return len(findings)


@shared_task
def step_dynamic_buffers() -> int:
    """Measure demand and lag, and tighten or release dynamic buffers by a step."""
    with transaction():
        return dynamic_buffers.step_all(by=SHARER, at=clock.now())


@shared_task
def serve_waiting_list() -> int:
    """Serve everyone who waits, whatever made goods free: changed rules, opened places, offers whose time is over."""
    served, last = 0, 0
    for _ in range(MOST_ROUNDS):
        with transaction():
            done = waiting_list.serve_next(last, by=WAITING_LIST, at=clock.now())
        if done is None:
            break
        served, last = served + 1, done
    return served


@shared_task
def forget_waiting() -> int:
    """Empty who it was on entries of the waiting list that ended long ago."""
    with transaction():
        return waiting_list.forget(at=clock.now(), at_most=SUBSCRIBERS_AT_ONCE)


@shared_task
def follow_promises() -> int:
    """Meet what policies of backorders begin and end with time, and look again at promises whose day has passed."""
    now = clock.now()
    with transaction():
        changed = policies.apply_due(by=PROMISER, at=now)
    with transaction():
        changed += demands.unmark_done(at=now)
    late = backorders.late(at=now, at_most=PRODUCTS_AT_ONCE)
    with transaction():
        return changed + backorders.revise(late, by=PROMISER, at=now)
