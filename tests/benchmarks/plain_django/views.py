from datetime import timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.benchmarks.plain_django.models import Entry, Hold, Message, Order, OrderLine, Stock


class LineSerializer(serializers.Serializer):
    sku = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1)


class ReservationSerializer(serializers.Serializer):
    location = serializers.CharField(max_length=20)
    lines = LineSerializer(many=True)


class HoldSerializer(serializers.ModelSerializer):
    class Meta:
        model = Hold
        fields = ["id", "stock", "quantity", "state", "expires_at", "created_at"]


class ReservationView(APIView):
    def post(self, request):
        body = ReservationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        holds = []
        with transaction.atomic():
            for line in body.validated_data["lines"]:
                stock = Stock.objects.select_for_update().get(sku=line["sku"], location=body.validated_data["location"])
                if stock.on_hand - stock.allocated - stock.held < line["quantity"]:
                    return Response({"detail": "insufficient stock"}, status=status.HTTP_409_CONFLICT)
                stock.held += line["quantity"]
                stock.version += 1
                stock.save()
                hold = Hold.objects.create(
                    stock=stock, quantity=line["quantity"], expires_at=timezone.now() + timedelta(minutes=15)
                )
                write_entry(stock, "held", line["quantity"])
                holds.append(hold)
        return Response(HoldSerializer(holds, many=True).data, status=status.HTTP_201_CREATED)


class OrderView(APIView):
    def post(self, request):
        body = ReservationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            order = Order.objects.create(number=request.data["external_reference"], total=0)
            for line in body.validated_data["lines"]:
                stock = Stock.objects.select_for_update().get(sku=line["sku"], location=body.validated_data["location"])
                if stock.on_hand - stock.allocated - stock.held < line["quantity"]:
                    transaction.set_rollback(True)
                    return Response({"detail": "insufficient stock"}, status=status.HTTP_409_CONFLICT)
                stock.allocated += line["quantity"]
                stock.version += 1
                stock.save()
                OrderLine.objects.create(order=order, stock=stock, quantity=line["quantity"], price=1990)
                write_entry(stock, "allocated", line["quantity"])
            order.total = order.lines.aggregate(total=Sum("price"))["total"]
            order.save()
        return Response({"number": order.number, "total": order.total}, status=status.HTTP_201_CREATED)


class AvailabilityView(APIView):
    def get(self, request):
        stocks = Stock.objects.filter(sku__in=request.GET["sku"].split(","))
        return Response(
            [{"sku": s.sku, "location": s.location, "available": s.on_hand - s.allocated - s.held} for s in stocks]
        )


def write_entry(stock, kind, quantity):
    Entry.objects.create(
        stock=stock, version=stock.version, kind=kind, quantity=quantity, on_hand_after=stock.on_hand,
        held_after=stock.held, actor="web",
    )  # fmt: skip
    Message.objects.create(
        event_type="stock_changed", payload={"stock": stock.pk, "on_hand": stock.on_hand, "held": stock.held}
    )
