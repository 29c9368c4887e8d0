"""The page's ES modules as one script that imports nothing: for a page that is opened from disk, and to be asked for once over a network.

Only what our own modules use is understood (`import { a, b as c } from "./x.js"`, `import * as x`, `export` before a declaration or a
list of names); anything else is refused, so that a bundle is right or is not made.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

_IMPORT = re.compile(r'^import\s*(?:(\{[^}]*\}|\* as [\w$]+)\s*from\s*)?"([^"]+)";[ \t]*$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function\*?|function\*?|class|const) ([\w$]+))", re.MULTILINE)
_LIST = re.compile(r"^export \{([\w$, \n]*)\};[ \t]*$", re.MULTILINE)
_WORKER = re.compile(r'new URL\("(\.[^"]+\.js)", import\.meta\.url\)')
_DYNAMIC = re.compile(r'(?<=await import\()"(\.[^"]+)"(?=\))')
_OTHER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


class BundleError(ValueError):
    """A module is missing, imports itself, or uses a form of import or export that is not understood."""


def bundle(entry: str, sources: Mapping[str, str], later: Callable[[str], str] | None = None) -> str:
    """The module `entry` and all it imports, as the text of one module script. `sources` are the modules by path.

    `later` gives the address of a module (by path) that is asked for while the page runs: a worker, or `await import("./x.js")`;
    without it those addresses are beside the page.
    """
    order: list[str] = []
    _visit(entry, sources, order, ())
    return "\n".join(_wrapped(path, _addressed(path, sources[path], later), order) for path in order)


def _addressed(path: str, source: str, later: Callable[[str], str] | None) -> str:
    if later is None:
        return source
    source = _DYNAMIC.sub(lambda match: f'"{later(_resolved(path, match[1]))}"', source)
    if strange := re.search(r'await import\((?!"/).*', source):
        raise BundleError(f"{path}: cannot bundle {strange[0]!r}")
    return _WORKER.sub(lambda match: f'new URL("{later(_resolved(path, match[1]))}", location.href)', source)


def _visit(path: str, sources: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if path in above:
        raise BundleError(f"{' → '.join((*above, path))}: modules that import each other")
    if path in order:
        return
    if path not in sources:
        raise BundleError(f"{above[-1] if above else 'the bundle'} imports {path}, which is not there")
    for match in _IMPORT.finditer(sources[path]):
        _visit(_resolved(path, match[2]), sources, order, (*above, path))
    order.append(path)


def _resolved(path: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _wrapped(path: str, source: str, order: list[str]) -> str:
    """A module as a function that gives what it exports."""

    def imported(match: re.Match[str]) -> str:
        names = re.sub(r"\s+as\s+", ": ", match[1] or "").removeprefix("*: ")
        return f"const {names} = $m{order.index(_resolved(path, match[2]))};" if names else ""

    exports = [match[1] for match in _EXPORT.finditer(source)]
    exports += [name.strip() for match in _LIST.finditer(source) for name in match[1].split(",") if name.strip()]
    body = _EXPORT.sub("", _LIST.sub("", _IMPORT.sub(imported, source)))
    if strange := _OTHER.search(body):
        raise BundleError(f"{path}: cannot bundle {strange[0]!r}")
    body = body.replace("import.meta.url", "document.baseURI")
    return f"const $m{order.index(path)} = await (async () => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();"
