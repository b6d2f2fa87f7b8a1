"""Names of months, weekdays and numbers, as texts about tokens write them."""

from collections.abc import Iterable

_MONTHS = (
    "january jan enero janeiro janvier januar gennaio января январе январь ocak januari",
    "february feb febrero fevereiro février fevrier februar febbraio февраля феврале şubat februari",
    "march mar marzo março mars märz maerz марта марте март mart maret maart",
    "april apr abril avril aprile апреля апреле апрель nisan",
    "may mayo maio mai maggio мая мае май mei",
    "june jun junio junho juin juni giugno июня июне июнь haziran",
    "july jul julio julho juillet juli luglio июля июле июль temmuz",
    "august aug agosto août aout августа августе август ağustos agustus",
    "september sep sept septiembre setembro septembre settembre сентября сентябре сентябрь eylül",
    "october oct octubre outubro octobre oktober ottobre октября октябре октябрь ekim",
    "november nov noviembre novembro novembre ноября ноябре ноябрь",
    "december dec diciembre dezembro décembre decembre dezember dicembre декабря декабрь",
)

MONTHS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
"""Lower-case name → 1 … 12, in the languages that crypto projects announce in."""

SURE_MONTHS = frozenset(
    "january february april june july august september october november december".split()
)
"""English names that are hardly ever another word, so that they count without a preposition."""

WEEKDAYS = {
    "monday": 0, "mon": 0, "tuesday": 1, "tue": 1, "tues": 1, "wednesday": 2, "wed": 2,
    "thursday": 3, "thu": 3, "thur": 3, "thurs": 3, "friday": 4, "fri": 4, "saturday": 5,
    "sat": 5, "sunday": 6, "sun": 6,
}  # fmt: skip
"""Lower-case name → 0 (Monday) … 6."""

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "couple": 2,
}  # fmt: skip

ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4,
            "4th": 4, "final": 4, "last": 4}  # fmt: skip


def alternatives(names: Iterable[str]) -> str:
    """Return a regular expression part for any of `names`, longest first."""
    return "|".join(sorted(names, key=len, reverse=True))
