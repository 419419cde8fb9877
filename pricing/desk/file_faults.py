"""What is wrong with files of prices and their rows, in the language of whoever brought them."""

from django.utils.translation import gettext_noop

_AS_IT_IS = (
    gettext_noop("{currency} has {places} decimal places; round the amount."),
    gettext_noop("A part of the workbook is broken; save it again as .xlsx, or as .csv."),
    gettext_noop("A price holds from 1 to 1,000,000 pieces on."),
    gettext_noop("A promotion's document is a JSON object."),
    gettext_noop("An amount is not negative, and not that large."),
    gettext_noop("Line {line} can't be read ({why}); look at its quotation marks."),
    gettext_noop("Say the amount, such as 12.50."),
    gettext_noop("Say which product is meant."),
    gettext_noop("That may be thousands or decimals; write it without a sign for thousands."),
    gettext_noop("The file has more than {most} MB; send it in parts."),
    gettext_noop("The file has more than {most} rows; send it in parts."),
    gettext_noop("The file is empty; send one with a heading and rows."),
    gettext_noop("The text is in no known encoding; save it as CSV UTF-8."),
    gettext_noop("The workbook can't be opened; save it again as .xlsx, or as .csv."),
    gettext_noop("The workbook carries a document type; save it again from Excel."),
    gettext_noop("The workbook has no sheet with rows."),
    gettext_noop("The workbook is broken or locked; save it again without a password."),
    gettext_noop("The workbook unpacks to more than a price list can be; save the sheet as .csv."),
    gettext_noop("There is no column for it; call it one of these: {names}."),
    gettext_noop("There is no such price list. Name one in the column price_list, or choose one for the whole file."),
    gettext_noop("This column stands twice; leave one out."),
    gettext_noop("This is an old Excel file or another format; save it as .xlsx or .csv."),
    gettext_noop("This is no JSON; leave the cell empty or take it from an export."),
    gettext_noop("This is no text; save it as .xlsx or .csv."),
    gettext_noop("Write a day as 2026-12-01 or 01.12.2026, an instant as 2026-12-01T08:00:00+01:00."),
    gettext_noop("Write a percentage as 20 or 12,5."),
    gettext_noop("Write a whole number, such as 10."),
    gettext_noop("Write an amount as 12.50 or 12,50."),
    gettext_noop("Write an amount as 1234.50 or 1.234,50."),
)
SENTENCES = {sentence: sentence for sentence in _AS_IT_IS}
