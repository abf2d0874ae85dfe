"""Numbers with their nouns, as a person reads them."""


def counted(number: int, noun: str) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
