"""The same kind of baskets through django-oscar's offer applicator, in an environment of its own, where it can be had.

Oscar knows percentages and money off by category or product, "buy X get Y" and thresholds; of the benchmark's promotions
those it can express are made, a hundred and forty of two hundred.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

WHY_NOT = "django-oscar could not be installed beside us, so there is no reference in this run."
WANTED = ["django-oscar[sorl-thumbnail]==4.1", "django-treebeard<5", "setuptools<81"]
INSTALLING_SECONDS = 240
MEASURING_SECONDS = 120

_PROGRAM = """
import json, sys, time
import django
from django.conf import settings
from oscar.defaults import *
import oscar
apps = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.sites", "django.contrib.flatpages", "oscar.config.Shop",
    "oscar.apps.analytics.apps.AnalyticsConfig", "oscar.apps.checkout.apps.CheckoutConfig",
    "oscar.apps.address.apps.AddressConfig", "oscar.apps.shipping.apps.ShippingConfig",
    "oscar.apps.catalogue.apps.CatalogueConfig", "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.communication.apps.CommunicationConfig", "oscar.apps.partner.apps.PartnerConfig",
    "oscar.apps.basket.apps.BasketConfig", "oscar.apps.payment.apps.PaymentConfig",
    "oscar.apps.offer.apps.OfferConfig", "oscar.apps.order.apps.OrderConfig",
    "oscar.apps.customer.apps.CustomerConfig", "oscar.apps.search.apps.SearchConfig",
    "oscar.apps.voucher.apps.VoucherConfig", "oscar.apps.wishlists.apps.WishlistsConfig",
    "oscar.apps.dashboard.apps.DashboardConfig", "widget_tweaks", "haystack", "treebeard", "sorl.thumbnail",
    "django_tables2",
]
for part in ("reports", "users", "orders", "catalogue", "offers", "partners", "pages", "ranges", "reviews", "vouchers",
             "communications", "shipping"):
    apps.append("oscar.apps.dashboard.%s.apps.%sDashboardConfig" % (part, part.capitalize()))
class NoMigrations:
    def __contains__(self, name):
        return True
    def __getitem__(self, name):
        return None
known = {k: v for k, v in globals().items() if k.startswith("OSCAR_")}
settings.configure(
    SECRET_KEY="x", INSTALLED_APPS=apps, SITE_ID=1, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
    ROOT_URLCONF="__main__", MIGRATION_MODULES=NoMigrations(), **known,
)
urlpatterns = []
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, run_syncdb=True)
from decimal import Decimal as D
from oscar.core.loading import get_model, get_class
from oscar.test.factories import create_product
Category = get_model("catalogue", "Category"); ProductCategory = get_model("catalogue", "ProductCategory")
Range = get_model("offer", "Range"); Benefit = get_model("offer", "Benefit"); Condition = get_model("offer", "Condition")
Offer = get_model("offer", "ConditionalOffer"); Basket = get_model("basket", "Basket")
Applicator = get_class("offer.applicator", "Applicator"); Strategy = get_class("partner.strategy", "Default")
task = json.loads(sys.stdin.read())
categories = [Category.add_root(name="C%d" % n) for n in range(100)]
products = {}
for basket in task["baskets"]:
    for number, _ in basket:
        if number not in products:
            made = create_product(price=D(500 + number % 3000) / 100, num_in_stock=1000)
            ProductCategory.objects.create(product=made, category=categories[number % 100])
            products[number] = made
for n in range(140):
    goods = Range.objects.create(name="R%d" % n)
    goods.included_categories.add(categories[(n * 37) % 100])
    if n % 4 < 2:
        benefit, condition = Benefit(range=goods, type=Benefit.PERCENTAGE, value=D(5 + n % 25)), (Condition.COUNT, 1)
    elif n % 4 == 2:
        benefit, condition = Benefit(range=goods, type=Benefit.MULTIBUY, value=None), (Condition.COUNT, 3)
    else:
        benefit, condition = Benefit(range=goods, type=Benefit.FIXED, value=D("1.50")), (Condition.VALUE, D(50))
    benefit.save()
    made = Condition.objects.create(range=goods, type=condition[0], value=condition[1])
    Offer.objects.create(name="O%d" % n, offer_type=Offer.SITE, benefit=benefit, condition=made, priority=n % 10)
times = []
ends = time.monotonic() + task["seconds"]
while time.monotonic() < ends:
    for lines in task["baskets"]:
        basket = Basket.objects.create()
        basket.strategy = Strategy()
        for number, quantity in lines:
            basket.add_product(products[number], quantity)
        began = time.perf_counter()
        Applicator().apply(basket)
        basket.total_incl_tax
        times.append((time.perf_counter() - began) * 1000)
        if time.monotonic() > ends:
            break
times.sort()
print(json.dumps({"engine_p50_ms": times[len(times) // 2], "engine_p95_ms": times[len(times) * 95 // 100]}))
"""


def measure(baskets: list[list[tuple[int, int]]], *, seconds: float) -> dict[str, float]:
    """Return the times of its applicator in milliseconds, or nothing where it can't be had."""
    folder = Path(tempfile.gettempdir()) / "kontor-benchmark-oscar-4.1"
    python = folder / "bin" / "python"
    try:
        if not (folder / "installed").exists():
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *WANTED],
                check=True, timeout=INSTALLING_SECONDS, capture_output=True, env=_environment(),
            )  # fmt: skip
            (folder / "installed").touch()
        done = subprocess.run(
            [python, "-c", _PROGRAM], input=json.dumps({"baskets": baskets, "seconds": seconds}), text=True,
            check=True, timeout=MEASURING_SECONDS + seconds, capture_output=True, env=_environment(), cwd=folder,
        )  # fmt: skip
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as failed:
        print(f"django-oscar: {failed}", file=sys.stderr)
        print((getattr(failed, "stderr", "") or "")[-2000:], file=sys.stderr)
        return {}


def _environment() -> dict[str, str]:
    """Return our environment without what would lead another Django to our settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "KONTOR_", "PYTHON"))}
