"""Settings: one file, from the environment only. Every variable is documented in the README.

Without any variable this is a safe development set-up on an embedded PostgreSQL; `KONTOR_ENV=production` demands
secrets and switches every protection on.
"""

import os
import sys
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from commerce import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = embedded.data_dir()
TESTING = "pytest" in sys.modules

ENVIRONMENT = os.environ.get("KONTOR_ENV", "development")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = os.environ.get("KONTOR_DEBUG", "0") == "1" and not PRODUCTION


def _listed(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


SECRET_KEY = os.environ.get("KONTOR_SECRET_KEY") or ("" if PRODUCTION else embedded.development_secret())
if not SECRET_KEY:
    raise ImproperlyConfigured("KONTOR_SECRET_KEY must be set in production: 50 or more random characters.")
SECRET_KEY_FALLBACKS = _listed("KONTOR_SECRET_KEY_FALLBACKS")

ALLOWED_HOSTS = _listed("KONTOR_ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = _listed("KONTOR_TRUSTED_ORIGINS")
_port = os.environ.get("KONTOR_PORT", "8000")
if PRODUCTION and not os.environ.get("KONTOR_PUBLIC_URL"):
    raise ImproperlyConfigured(
        "KONTOR_PUBLIC_URL must be set in production: the address customers reach, for their links."
    )
PUBLIC_URL = (os.environ.get("KONTOR_PUBLIC_URL") or f"http://localhost:{_port}").rstrip("/")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "commerce.admin_site.KontorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "simple_history",
    "django_htmx",
    "django_prometheus",
    "lucide",
    "commerce",
    "inventory",
    "pricing",
    "customers",
    "orders",
]

# `/api/` skips what it does not need (sessions, CSRF cookies, messages, languages): see commerce/middleware.py.
MIDDLEWARE = [
    "commerce.middleware.RequestContextMiddleware",
    "commerce.staff.security.PageSecurityMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "commerce.middleware.WhiteNoiseOutsideApi",
    "commerce.middleware.SessionOutsideApi",
    "commerce.middleware.LocaleOutsideApi",
    "commerce.middleware.CommonOutsideApi",
    "commerce.middleware.CsrfOutsideApi",
    "commerce.middleware.AuthenticationOutsideApi",
    "commerce.middleware.StaffLanguageMiddleware",
    "commerce.middleware.MessagesOutsideApi",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "commerce.middleware.HtmxOutsideApi",
    "commerce.middleware.HistoryOutsideApi",
]

ROOT_URLCONF = "commerce.urls"
WSGI_APPLICATION = "commerce.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "commerce.staff.shell.context",
            ],
            "builtins": ["commerce.templatetags.codes", "commerce.templatetags.icons"],
        },
    }
]

# --- database -------------------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "commerce.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "kontor",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,  # a new connection costs 5 ms, more than most requests
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            # A request never waits longer for a row than a person would; long jobs set their own limits.
            "options": "-c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
            " -c jit=off",
            "application_name": "kontor",
            **query,
        },
        "TEST": {"NAME": "test_kontor"},
    }


DATABASES = {"default": _database(os.environ.get("DATABASE_URL") or embedded.url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "commerce.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("staff:sign-in")
LOGIN_REDIRECT_URL = reverse_lazy("staff:home")
LOGOUT_REDIRECT_URL = reverse_lazy("staff:sign-in")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- languages, time ------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "commerce" / "locale"]
FORMAT_MODULE_PATH = ["commerce.formats"]
TIME_ZONE = "Europe/Berlin"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True

# --- static files ---------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # empty in development, where files are served from where they lie
STATICFILES_DIRS = [BASE_DIR / "commerce" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False

# --- security -------------------------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # a long shift
CSRF_COOKIE_SAMESITE = "Lax"
SILENCED_SYSTEM_CHECKS = ["security.W003"]  # the CSRF middleware is there: commerce.middleware.CsrfOutsideApi
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # 500 products or holds fit many times over
# How many proxies of ours a request passes; each notes at the end of X-Forwarded-For who asked it.
PROXIES = int(os.environ.get("KONTOR_PROXIES", "1" if PRODUCTION else "0"))
if PRODUCTION:
    SECURE_SSL_REDIRECT = os.environ.get("KONTOR_SSL_REDIRECT", "1") == "1"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# --- API ------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["commerce.api.authentication.ChannelKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["commerce.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["commerce.api.rendering.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["commerce.api.rendering.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "commerce.api.paging.CursorPaging",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "commerce.api.schema.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "commerce.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
    "PAGE_SIZE": 50,
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kontor API",
    "DESCRIPTION": "Goods, orders, prices and customers for every channel. Errors are RFC 9457 problem documents.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["commerce.api.schema.only_the_api"],
    "ENUM_NAME_OVERRIDES": {
        "CountKindEnum": "inventory.api.count_serializers.KINDS",
        "CountStateEnum": "inventory.api.count_serializers.STATES",
        "CountActionEnum": "inventory.api.count_serializers.ACTIONS",
        "ConditionEnum": "inventory.api.serializers.CONDITIONS",
        "WaitingStateEnum": "inventory.api.waiting_serializers.STATES",
        "LyingConditionEnum": "inventory.api.serializers.LYING",
        "ComingFromEnum": "inventory.api.serializers.COMING_FROM",
        "CaseStateEnum": "orders.api.desk.STATES",
        "DraftStateEnum": "pricing.api.promotion_serializers.STATES",
        "DraftActionEnum": "pricing.api.promotion_serializers.ACTIONS",
        "RuleChangeKindEnum": "pricing.api.promotion_serializers.KINDS",
        "RoutingSimulationStateEnum": "orders.api.routing_views.SIMULATION_STATES",
        "RestrictionKindEnum": "orders.api.network_views.RESTRICTION_KINDS",
        "RoutingOccasionEnum": "orders.api.routing_views.OCCASIONS",
        "ScarcityKindEnum": "inventory.api.scarcity_serializers.KINDS",
        "SharingKindEnum": "inventory.api.sharing_serializers.KINDS",
        "SharingStateEnum": "inventory.api.sharing_serializers.STATES",
        "ReturnStateEnum": "orders.api.return_views.STATES",
        "ReturnReasonEnum": "orders.api.return_views.REASONS",
        "ReturnOriginEnum": "orders.api.return_views.ORIGINS",
        "OrderHoldKindEnum": "orders.api.hold_views.KINDS",
        "LabelStateEnum": "orders.api.return_label_views.LABEL_STATES",
        "PickOutcomeEnum": "orders.api.wave_views.OUTCOMES",
        "CapabilityEnum": "inventory.api.serializers.CAPABILITIES",
        "MethodEnum": "orders.api.serializers.KNOWN_METHODS",
        "PayMethodEnum": "orders.api.serializers.PAY_METHODS",
        "PayableMethodEnum": "orders.api.payment_views.PAYABLE",
    },
}

# --- messages to customers and staff --------------------------------------------------------------------------------

# smtp://user:password@host:587 (STARTTLS where there is a password), smtps://…:465 (TLS from the start). Without one, mails of a
# development set-up are files in the data folder; production speaks to a server on this machine.
_smtp = urlsplit(os.environ.get("KONTOR_SMTP_URL", ""))
if _smtp.hostname:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _smtp.hostname
    EMAIL_PORT = _smtp.port or (465 if _smtp.scheme == "smtps" else 587)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_smtp.username or ""), unquote(_smtp.password or "")
    EMAIL_USE_SSL = _smtp.scheme == "smtps"
    EMAIL_USE_TLS = not EMAIL_USE_SSL and bool(_smtp.password)
elif not PRODUCTION:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("KONTOR_MAIL_FROM") or f"Kontor <orders@{urlsplit(PUBLIC_URL).hostname}>"
# https://ACCOUNT:TOKEN@api.twilio.com, or whoever speaks the same API; and the number or name that messages come from.
SMS_URL = os.environ.get("KONTOR_SMS_URL", "")
SMS_FROM = os.environ.get("KONTOR_SMS_FROM", "Kontor")
# The key that signs web push, as base64url (32 bytes); a development set-up makes one of its secret.
VAPID_PRIVATE_KEY = os.environ.get("KONTOR_VAPID_PRIVATE_KEY") or (
    "" if PRODUCTION else urlsafe_b64encode(sha256(b"web push" + SECRET_KEY.encode()).digest()).decode().rstrip("=")
)
VAPID_SUBJECT = os.environ.get("KONTOR_VAPID_SUBJECT") or f"mailto:orders@{urlsplit(PUBLIC_URL).hostname}"

# --- workers --------------------------------------------------------------------------------------------------------

_broker_folder = DATA_DIR / "broker"
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "filesystem://localhost//"
if CELERY_BROKER_URL.startswith("filesystem://"):
    for _name in ("queue", "processed", "control"):
        (_broker_folder / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker_folder / "queue"),
        "data_folder_out": str(_broker_folder / "queue"),
        "processed_folder": str(_broker_folder / "processed"),
        "control_folder": str(_broker_folder / "control"),
        "store_processed": False,
        "polling_interval": 0.2,
    }
CELERY_TASK_IGNORE_RESULT = CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # nobody asks, and the file broker would keep the unanswered questions
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")


# How long an order that was refused at the door is kept with the people it names, for somebody to place it after all.
REFUSED_ORDERS_DAYS = int(os.environ.get("KONTOR_REFUSED_ORDERS_DAYS", "30"))
# How often shipments that were accepted without a place get theirs: longer gathers more to decide together.
ROUTING_SECONDS = int(os.environ.get("KONTOR_ROUTING_SECONDS", "10"))


def _every(seconds: int, task: str) -> dict[str, object]:
    """Return a beat entry. A run that waited longer than its own period is dropped: the next one does its work."""
    return {"task": task, "schedule": timedelta(seconds=seconds), "options": {"expires": max(seconds, 10)}}


def _nightly(time: str, task: str, *, hours: int) -> dict[str, object]:
    """Return a beat entry for a time of the night (UTC); a run that could not begin for so many hours is dropped."""
    hour, minute = time.split(":")
    return {"task": task, "schedule": crontab(hour=hour, minute=minute), "options": {"expires": hours * 3600}}


CELERY_BEAT_SCHEDULE = {
    "re-drive the outbox": _every(5, "commerce.tasks.redrive_outbox"),
    "guard experiments": _every(60, "commerce.tasks.guard_experiments"),
    "expire quota holds": _every(15, "commerce.tasks.expire_quota_holds"),
    "expire reservations": _every(5, "inventory.tasks.expire_reservations"),
    "follow sharing": _every(15, "inventory.tasks.follow_sharing"),
    "follow promises": _every(30, "inventory.tasks.follow_promises"),
    "step dynamic buffers": _every(60, "inventory.tasks.step_dynamic_buffers"),
    "mend discrepancies": _every(60, "inventory.tasks.mend_discrepancies"),
    "forget statements": _every(3600, "inventory.tasks.forget_statements"),
    "serve the waiting list": _every(30, "inventory.tasks.serve_waiting_list"),
    "forget who waited": _every(3600, "inventory.tasks.forget_waiting"),
    "seal the journal": _every(300, "inventory.tasks.seal_journal"),
    "prove the seals": _nightly("4:20", "inventory.tasks.prove_seals", hours=3),
    "forecast and reorder": _nightly("1:30", "inventory.tasks.reorder", hours=6),
    "rank goods and begin counts": _nightly("3:10", "inventory.tasks.open_counts", hours=3),
    "release stale pick leases": _every(30, "orders.tasks.release_stale_leases"),
    "remind of pickups": _every(300, "orders.tasks.remind_of_pickups"),
    "look after pickups": _every(30, "orders.tasks.look_after_pickups"),
    "forget visits": _every(600, "orders.tasks.forget_visits"),
    "send messages": _every(5, "orders.tasks.send_notices"),
    "route accepted orders": _every(ROUTING_SECONDS, "orders.tasks.route_accepted"),
    "watch exceptions": _every(30, "orders.tasks.watch_exceptions"),
    "settle labels": _every(60, "orders.tasks.settle_labels"),
    "look where parcels are": _every(300, "orders.tasks.look_where_parcels_are"),
    "follow shortages": _every(60, "orders.tasks.follow_shortages"),
    "erase refused orders": _every(3600, "orders.tasks.erase_refused_orders"),
    "revise promises": _every(120, "orders.tasks.revise_promises"),
    "try routing policies": _every(5, "orders.tasks.try_routing_policies"),
    "mark no-shows": _every(300, "orders.tasks.mark_no_shows"),
    "run payment errands": _every(5, "orders.tasks.run_payment_errands"),
    "watch payments": _every(60, "orders.tasks.watch_payments"),
    "prune kernel tables": _every(3600, "commerce.tasks.prune"),
    "simulate drafts": _every(5, "pricing.tasks.simulate_drafts"),
    "prune quotes": _every(3600, "pricing.tasks.prune_quotes"),
    "work on files of prices": _every(3, "pricing.tasks.work_on_files"),
    "write down applied prices": _every(60, "pricing.tasks.log_applied_prices"),
}

# --- Kontor ---------------------------------------------------------------------------------------------------------

# What `manage.py up` starts.
HOST = os.environ.get("KONTOR_HOST", "127.0.0.1")
PORT = int(_port)
WEB_WORKERS = int(os.environ.get("KONTOR_WEB_WORKERS", "2"))
WEB_THREADS = int(os.environ.get("KONTOR_WEB_THREADS", "32"))  # per worker; each keeps one database connection
DEMO = os.environ.get("KONTOR_DEMO", "0" if PRODUCTION else "1") == "1" and not PRODUCTION

# Outgoing webhooks may reach private addresses only where there is no one to attack: on a developer's machine.
WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES = os.environ.get("KONTOR_WEBHOOKS_PRIVATE", "0" if PRODUCTION else "1") == "1"
IDEMPOTENCY_KEPT_FOR = timedelta(hours=48)
# The account for labels of DHL Parcel Germany; without an address a double makes them, in production nobody does.
DHL = {
    "url": os.environ.get("KONTOR_DHL_URL", "").rstrip("/"),
    "key": os.environ.get("KONTOR_DHL_KEY", ""),
    "user": os.environ.get("KONTOR_DHL_USER", ""),
    "password": os.environ.get("KONTOR_DHL_PASSWORD", ""),
    "billing_number": os.environ.get("KONTOR_DHL_BILLING_NUMBER", ""),
}
# Whether managers see how people pick by name ("named"), or only the team ("team"): what the works council agreed to.
PICKER_FIGURES = os.environ.get("KONTOR_PICKER_FIGURES", "team")
# Whether minimum advertised prices count; in the EU a supplier may not impose any (art. 4 of regulation (EU) 2022/720).
ADVERTISED_MINIMUMS = os.environ.get("KONTOR_ADVERTISED_MINIMUMS", "0") == "1"
METRICS_TOKEN = os.environ.get("KONTOR_METRICS_TOKEN", "")

# Payments by Stripe; without a key there are none. The address is for a double in tests and demonstrations.
# With which shop platforms sign their webhooks, by channel: "web-de=secret other=secret".
PLATFORM_SECRETS = dict(
    one.split("=", 1) for one in os.environ.get("KONTOR_PLATFORM_SECRETS", "").split() if "=" in one
)
STRIPE_SECRET_KEY = os.environ.get("KONTOR_STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRET = os.environ.get("KONTOR_STRIPE_WEBHOOK_SECRET", "")
STRIPE_URL = os.environ.get("KONTOR_STRIPE_URL", "")

UNFOLD = {
    "SITE_TITLE": "Kontor",
    "SITE_HEADER": "Kontor",
    "SITE_URL": "/staff/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{STATIC_URL}icons/kontor.svg"}],
    "STYLES": [f"{STATIC_URL}css/admin.css"],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "commerce.admin_navigation.navigation",
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97% .02 250)",
            "100": "oklch(93% .04 250)",
            "200": "oklch(87% .07 250)",
            "300": "oklch(79% .11 250)",
            "400": "oklch(69% .15 250)",
            "500": "oklch(58% .17 250)",
            "600": "oklch(50% .17 250)",
            "700": "oklch(43% .15 250)",
            "800": "oklch(36% .12 250)",
            "900": "oklch(31% .09 250)",
            "950": "oklch(22% .06 250)",
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "commerce.logs.formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": os.environ.get("KONTOR_LOG_LEVEL", "WARNING")},
    "loggers": {
        "kontor": {"level": os.environ.get("KONTOR_LOG_LEVEL", "INFO"), "handlers": ["console"], "propagate": False},
        "django.request": {"level": "ERROR"},
    },
}
