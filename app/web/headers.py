"""The headers that tell a browser what our pages may do. Every response carries them."""

from __future__ import annotations

_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "worker-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def _policy(**changed: str) -> str:
    rules = _POLICY | {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in rules.items())


SECURITY = {
    "Content-Security-Policy": _policy(),
    "X-Content-Type-Options": "nosniff",
    # The address of a run is its only key: other sites do not learn it.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

FRAMED = {"Content-Security-Policy": _policy(frame_ancestors="*")}
"""For the one page that other sites may show in a frame."""


def is_framed(path: str) -> bool:
    """Is this the address of that page? What it answers instead of a run is shown in the frame too."""
    return path.startswith("/runs/") and path.endswith("/embed")
