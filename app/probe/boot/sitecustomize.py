"""Installs the hooks in an observed Python process, before its script starts.

Python imports `sitecustomize` by itself because the recorder put this folder on PYTHONPATH; children inherit it. Nothing is
imported on behalf of the script: each hook waits until the script itself imports its library. A hook that fails is left
out and says so with a mark on the timeline; the script goes on.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # the real one is in typing, which the script may not want
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Hook = Callable[[Any, Any], None]


def _load_hooks(folders: list[str]) -> Any:
    from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
    from importlib.util import module_from_spec
    from os.path import exists

    for path in [f"{folder}/_hooks{suffix}" for folder in folders for suffix in EXTENSION_SUFFIXES]:
        if exists(path):
            name = "schedscope._hooks"
            loader = ExtensionFileLoader(name, path)
            module = module_from_spec(ModuleSpec(name, loader, origin=path))
            loader.exec_module(module)
            return module
    return None


class _AfterImport:
    """A finder that finds nothing itself: it lets `hooks[name]` run right after module `name` was executed."""

    def __init__(self, probe: Any, hooks: dict[str, Hook]) -> None:
        self.probe = probe
        self.hooks = hooks

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self.hooks:
            return None
        for finder in list(sys.meta_path):
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None:
                self._run_after(spec.loader, name)
                return spec
        return None

    def _run_after(self, loader: Any, name: str) -> None:
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module: ModuleType) -> None:
            execute(module)
            if module.__name__ == name:  # a loader may serve many modules, as a zip file's does
                loader.__dict__.pop("exec_module", None)
                hook = self.hooks.pop(name, None)  # to look a module up is not yet to import it
                if hook is not None:
                    self.install(name, hook, module)

        loader.exec_module = exec_module

    def install(self, name: str, hook: Hook, module: ModuleType) -> None:
        try:
            hook(self.probe, module)
        except Exception as error:
            self.probe.mark(7, f"{name} is not observed: {error}"[:240])


# The names in CPython's own Handle._run and BaseEventLoop._call_soon (3.11 to 3.14): while a method uses just these, the probe
# does its work in C; a method that differs is called as it is.
_HANDLE_RUN = {"_context", "run", "_callback", "_args", "SystemExit", "KeyboardInterrupt", "BaseException", "format_helpers"}
_HANDLE_RUN |= {"_format_callback_source", "_source_traceback", "_loop", "call_exception_handler"}
_CALL_SOON = {"events", "Handle", "_source_traceback", "_ready", "append"}


def _uses(function: Any, names: set[str]) -> bool:
    return set(function.__code__.co_names) - {"_debug", "get_debug"} == names


def _exception_in_step(handle: Any, error: BaseException) -> None:
    from asyncio import format_helpers

    source = format_helpers._format_callback_source(handle._callback, handle._args)
    context = {"message": f"Exception in callback {source}", "exception": error, "handle": handle}
    if handle._source_traceback:
        context["source_traceback"] = handle._source_traceback
    handle._loop.call_exception_handler(context)


def _after_asyncio(probe: Any, asyncio: Any) -> None:
    task = getattr(asyncio.tasks, "_CTask", None)
    if task is None:
        raise RuntimeError("asyncio runs without its C accelerator")
    handle, loop = asyncio.events.Handle, asyncio.base_events.BaseEventLoop
    may_run = _uses(handle._run, _HANDLE_RUN)
    may_schedule = _uses(loop._call_soon, _CALL_SOON)
    probe.asyncio((task, handle, loop, _exception_in_step, may_run, may_schedule))


def _after_greenlet(probe: Any, greenlet: Any) -> None:
    probe.greenlet((greenlet.greenlet, greenlet.settrace))


def _after_gevent(probe: Any, gevent: Any) -> None:
    from gevent._config import config

    probe.gevent((gevent.hub.Hub, config.loop, gevent.GreenletExit))


def _gevent_waits(*waits: tuple[str, str, int]) -> Hook:
    """A hook that lets methods of gevent's compiled types name their reason: (type, method, state, text)."""

    def hook(probe: Any, module: Any) -> None:
        found = [(getattr(module, kind, None), method, state, f"{kind}.{method}") for kind, method, state in waits]
        probe.gevent_waits([wait for wait in found if hasattr(wait[0], wait[1])])

    return hook


def _after_threading(probe: Any, threading: Any) -> None:
    probe.joins(threading.Thread)
    bootstrap = threading.Thread._bootstrap_inner

    def _bootstrap_inner(self: Any) -> None:
        probe.name(False, self.name)
        probe.trace_thread()
        bootstrap(self)
        probe.thread_ended()

    threading.Thread._bootstrap_inner = _bootstrap_inner
    make_invoke = getattr(threading, "_make_invoke_excepthook", None)
    if make_invoke is None:
        return

    def _make_invoke_excepthook() -> Any:
        invoke = make_invoke()

        def invoke_excepthook(thread: Any) -> None:
            probe.failed(sys.exc_info()[1])
            invoke(thread)

        return invoke_excepthook

    threading._make_invoke_excepthook = _make_invoke_excepthook


def _after_queue(probe: Any, queue: Any) -> None:
    if queue.SimpleQueue.__module__ == "_queue":  # else it is made of locks that have names
        probe.queues(queue.SimpleQueue)


def _after_multiprocessing(probe: Any, process: Any) -> None:
    bootstrap = process.BaseProcess._bootstrap

    def _bootstrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        probe.name(True, self.name)
        return bootstrap(self, *args, **kwargs)

    process.BaseProcess._bootstrap = _bootstrap
    probe.first(_bootstrap)


_WAIT_LOCK, _WAIT_QUEUE, _WAIT_TASK, _WAIT_EVENT = 30, 31, 33, 34  # probe.h; a test holds them equal

_HOOKS: dict[str, Hook] = {
    "asyncio": _after_asyncio,
    "greenlet": _after_greenlet,
    "gevent": _after_gevent,
    "gevent.greenlet": _gevent_waits(("Greenlet", "join", _WAIT_TASK), ("Greenlet", "get", _WAIT_TASK)),
    "gevent.event": _gevent_waits(
        ("Event", "wait", _WAIT_EVENT), ("AsyncResult", "get", _WAIT_EVENT), ("AsyncResult", "wait", _WAIT_EVENT)
    ),
    "gevent.queue": _gevent_waits(
        ("Queue", "get", _WAIT_QUEUE),
        ("Queue", "put", _WAIT_QUEUE),
        ("SimpleQueue", "get", _WAIT_QUEUE),
        ("SimpleQueue", "put", _WAIT_QUEUE),
        ("JoinableQueue", "join", _WAIT_QUEUE),
        ("Channel", "get", _WAIT_QUEUE),
        ("Channel", "put", _WAIT_QUEUE),
    ),
    "gevent.lock": _gevent_waits(
        ("Semaphore", "acquire", _WAIT_LOCK),
        ("Semaphore", "__enter__", _WAIT_LOCK),
        ("BoundedSemaphore", "acquire", _WAIT_LOCK),
        ("BoundedSemaphore", "__enter__", _WAIT_LOCK),
    ),
    "threading": _after_threading,
    "queue": _after_queue,
    "multiprocessing.process": _after_multiprocessing,
}


def _process_name() -> str:
    words = sys.orig_argv[1:]
    while words and words[0].startswith("-") and words[0] not in ("-c", "-m"):
        words = words[1:]
    if not words:
        return "python"
    if words[0] in ("-c", "-m"):
        return " ".join(words[:2])[:60]
    return words[0].rpartition("/")[2]


def _name_locks(probe: Any) -> None:
    import _thread

    try:
        probe.name_locks((_thread.allocate_lock(), _thread.RLock()))
    except RuntimeError as error:
        probe.mark(7, f"who has a lock is not observed: {error}")


def _observe_gil(probe: Any) -> None:
    has_one = getattr(sys, "_is_gil_enabled", lambda: True)()
    unobserved = probe.gil() if has_one else None
    if unobserved:
        probe.mark(7, f"the GIL is not observed: {unobserved}")


def _give_way(folder: str) -> None:
    """Leave no trace on the path, and let the environment's own sitecustomize have its turn."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    sys.path[:] = [entry for entry in sys.path if entry != folder]
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


def _without_hooks(folder: str) -> None:
    """No extension for this interpreter: what the preloaded library sees by itself is still observed."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = SourceFileLoader("schedscope.without_hooks", f"{folder}/without_hooks.py")
    spec = spec_from_loader(loader.name, loader)
    if spec is not None:
        module = module_from_spec(spec)
        try:
            loader.exec_module(module)
        except ImportError:  # no ctypes, or a subinterpreter that may not load it
            return
        module.observe()


def _boot() -> None:
    folder = __file__.rpartition("/")[0]
    probe = _load_hooks([folder.rpartition("/")[0], *filter(None, [os.environ.get("SCHEDSCOPE_HOOKS")])])
    _give_way(folder)
    if probe is None:
        _without_hooks(folder)
        return
    if not probe.observed():
        probe.mark(7, "a subinterpreter: its tasks and greenlets are not observed, its calls and its GIL are")
        _observe_gil(probe)
        return
    libraries = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}{'t' if 't' in sys.abiflags else ''}"
    probe.library_paths([f"{prefix}/{lib}/{version}/" for prefix in sorted(libraries) for lib in ("lib", "lib64")] + [folder])
    after = _AfterImport(probe, dict(_HOOKS))
    for name in [name for name in _HOOKS if name in sys.modules]:
        after.install(name, after.hooks.pop(name), sys.modules[name])
    sys.meta_path.insert(0, after)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)  # a line is seen when it is printed, as on a terminal
    _name_locks(probe)
    probe.name(True, _process_name())
    _observe_gil(probe)
    probe.arm()


try:
    _boot()
except Exception as failure:
    print(f"schedscope: this process is not observed: {failure!r}", file=sys.stderr)
