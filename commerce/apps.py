from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CommerceConfig(AppConfig):
    name = "commerce"
    verbose_name = _("Ground data")

    def ready(self) -> None:
        from commerce.staff import rooms

        rooms.register()
