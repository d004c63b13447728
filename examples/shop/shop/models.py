"""Suppliers and their prices."""

from django.core.validators import MinValueValidator
from django.db import models


class Supplier(models.Model):
    """Who sells to the shop."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    """What something costs."""

    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, default="NOK")
    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="prices")
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.sku}: {self.price} {self.currency}"
