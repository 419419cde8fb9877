"""The admin's app configuration: it says which site class `django.contrib.admin` uses. Imports no model, so it may be
named in INSTALLED_APPS.
"""

from django.contrib.admin.apps import AdminConfig


class KontorAdminConfig(AdminConfig):
    default_site = "commerce.admin_base.KontorAdminSite"
