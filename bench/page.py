"""Placeholder until the page is measured."""


def measure(_pairs: int) -> None:
    """Nothing yet."""
