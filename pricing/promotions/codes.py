"""Coupon codes as people type them, and as they are compared. [pure]"""

import unicodedata

LONGEST = 40


def normalised(code: str) -> str:
    """Return a code without blanks, in capitals, each character in its plain form: " sommer 10" is SOMMER10."""
    plain = unicodedata.normalize("NFKC", code).upper()
    return "".join(
        character for character in plain if not character.isspace() and unicodedata.category(character) != "Cf"
    )
