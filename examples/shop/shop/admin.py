"""The shop in Django's admin."""

from django.contrib import admin

from shop.models import Price, Supplier

admin.site.register([Price, Supplier])
