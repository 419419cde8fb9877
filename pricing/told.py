"""What a quote tells of its promotions: what was applied and why not, what is near, what came of codes. [pure]"""

from pricing.promotions import engine
from pricing.promotions.index import Index, Situation
from pricing.promotions.terms import FreeShipping
from pricing.quoted import Coupon, NearPromotion, Offer, PromotionStep


def promotions(outcome: engine.Outcome, index: Index) -> tuple[PromotionStep, ...]:
    """Return what was applied, in order, then what could have given something, in the order of the rules."""
    told = [
        PromotionStep(
            promotion=effect.promotion.id,
            name=effect.promotion.name,
            verdict=engine.APPLIED,
            discount_minor=effect.given_minor,
            forfeited_minor=effect.forfeited_minor if effect.forfeits else 0,
            forfeit_reason=next((why for _minor, why in effect.forfeits.values()), "") if effect.forfeits else "",
            sets=effect.sets,
            coupon=effect.candidate.code,
        )
        for effect in outcome.effects
    ]
    names = {one.promotion.id: one for one in outcome.candidates}
    for one in sorted(outcome.considered, key=lambda one: (index.place_of(one.promotion_id), one.verdict)):
        candidate = names[one.promotion_id]
        told.append(
            PromotionStep(
                promotion=one.promotion_id,
                name=candidate.promotion.name,
                verdict=one.verdict,
                discount_minor=0,
                forfeited_minor=one.minor,
                forfeit_reason=one.verdict,
                sets=0,
                coupon=candidate.code,
                by=one.by,
            )
        )
    return tuple(told)


def coupons(situation: Situation, outcome: engine.Outcome, index: Index) -> tuple[Coupon, ...]:
    """Say of each code that was given what came of it."""
    if not situation.codes:
        return ()
    verdicts: dict[str, list[tuple[str, str]]] = {}
    applied = {effect.promotion.id for effect in outcome.effects if effect.cuts}
    heard = {one.promotion_id: one.verdict for one in outcome.considered}
    candidates = {one.promotion.id for one in outcome.candidates}
    unlocked = index.unlocked(situation.codes, situation.batches)
    for place, code in sorted(unlocked.items()):
        name = index.promotions[place].id
        if name in applied:
            verdict = engine.APPLIED
        elif name in candidates:
            verdict = heard.get(name, engine.NO_EFFECT)
        else:
            verdict = "not_now"  # another buyer, another time, or none of its goods
        verdicts.setdefault(code, []).append((verdict, name))
    found = []
    for code in situation.codes:
        of_code = verdicts.get(code, [("unknown", "")])
        best = next((one for one in of_code if one[0] == engine.APPLIED), of_code[0])
        found.append(Coupon(code=code, verdict=best[0], promotion=best[1]))
    return tuple(found)


def has_free_shipping(outcome: engine.Outcome) -> bool:
    """Whether the basket has earned free shipping, for channels that work out their charges themselves."""
    lacking = {one.promotion_id for one in outcome.near} | {one.promotion_id for one in outcome.considered}
    return any(
        isinstance(one.promotion.benefit, FreeShipping)
        and one.promotion.id not in lacking
        and one.allowance.has_uses
        and outcome.reaches(one)
        for one in outcome.candidates
    )


def near(outcome: engine.Outcome) -> tuple[NearPromotion, ...]:
    """Return what is missing for the next benefits."""
    return tuple(
        NearPromotion(
            promotion=one.promotion_id,
            name=one.name,
            missing_minor=one.missing_minor,
            missing_quantity=one.missing_quantity,
            products=one.products,
            categories=one.categories,
        )
        for one in outcome.near
    )


def offers(outcome: engine.Outcome) -> tuple[Offer, ...]:
    """Return the gifts that are earned and not in the basket."""
    return tuple(Offer(promotion=one.promotion_id, sku=one.sku, quantity=one.quantity) for one in outcome.offers)
