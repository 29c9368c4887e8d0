"""Measurements, printed with the machine they were made on: `make bench` or `python -m bench [NAME …]`.

Nothing here passes or fails. Ratios are medians of alternating pairs within one session, so that a busy machine spoils both
sides alike.
"""
