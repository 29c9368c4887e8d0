"""The table of formats that `schedscope export` and the server give, apart from the recording itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`media_type` as HTTP says it; `ending` of the file's name; `about` in one phrase."""

    media_type: str
    ending: str
    about: str


FORMATS = {
    "json": Format("application/json", "json", "lossless, times in nanoseconds"),
    "facts": Format("application/json", "facts.json", "what it says in numbers"),
    "csv": Format("text/csv; charset=utf-8", "csv", "the facts as a table"),
    "perfetto": Format("application/x-protobuf", "pftrace", "opens in Perfetto with the same lanes, states and arrows"),
    "svg": Format("image/svg+xml", "svg", "a picture of the whole run, or of a stretch of it"),
    "png": Format("image/png", "png", "a small picture without words, 1200 × 630 pixels"),
    "html": Format("text/html; charset=utf-8", "html", "one file that replays offline"),
}
