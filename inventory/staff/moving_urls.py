"""Addresses of the pages about goods that move: transfers, shelves, returns, write-offs, corrections."""

from django.urls import path

from inventory.staff import moves, shelves, transfers

urlpatterns = [
    path("stock/return/", moves.return_goods, name="return-goods"),
    path("stock/write-off/", moves.write_off, name="write-off"),
    path("stock/reclassify/", moves.reclassify, name="reclassify"),
    path("stock/entries/<uuid:entry_id>/correct/", moves.correct, name="correct"),
    path("stock/shelves/", shelves.page, name="shelves"),
    path("stock/shelves/scan/", shelves.scan, name="shelf-scan"),
    path("stock/shelves/move/", shelves.relocate, name="shelf-relocate"),
    path("stock/shelves/take-off/", shelves.take_off, name="shelf-take-off"),
    path("transfers/", transfers.listing, name="transfers"),
    path("transfers/<uuid:transfer_id>/", transfers.page, name="transfer"),
    path("transfers/<uuid:transfer_id>/note/", transfers.note, name="transfer-note"),
    path("transfers/<uuid:transfer_id>/scan/", transfers.scan, name="transfer-scan"),
    path("transfers/<uuid:transfer_id>/lines/", transfers.change, name="transfer-change"),
    path("transfers/<uuid:transfer_id>/send/", transfers.send, name="transfer-send"),
    path("transfers/<uuid:transfer_id>/expect/", transfers.expect, name="transfer-expect"),
    path("transfers/<uuid:transfer_id>/book/", transfers.book, name="transfer-book"),
    path("transfers/<uuid:transfer_id>/close/", transfers.close, name="transfer-close"),
    path("transfers/<uuid:transfer_id>/cancel/", transfers.cancel, name="transfer-cancel"),
]
