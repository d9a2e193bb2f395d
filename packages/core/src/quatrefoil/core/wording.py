"""Words that go with numbers, for messages that people read."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,000 rows`.

    Args:
        one: what follows a single one; more of them have an `s` behind it, unless `many` says what they have.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
