import uuid

from django.db import models


class Stock(models.Model):
    sku = models.CharField(max_length=64)
    location = models.CharField(max_length=20)
    on_hand = models.IntegerField(default=0)
    allocated = models.IntegerField(default=0)
    held = models.IntegerField(default=0)
    version = models.IntegerField(default=0)

    class Meta:
        unique_together = [("sku", "location")]


class Entry(models.Model):
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT)
    version = models.IntegerField()
    kind = models.CharField(max_length=12)
    quantity = models.IntegerField()
    on_hand_after = models.IntegerField()
    held_after = models.IntegerField()
    actor = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)


class Hold(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT)
    quantity = models.IntegerField()
    state = models.CharField(max_length=10, default="active")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)


class Message(models.Model):
    event_type = models.CharField(max_length=80)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)


class Order(models.Model):
    number = models.CharField(max_length=40, unique=True)
    total = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT)
    quantity = models.IntegerField()
    price = models.IntegerField()
