"""Compare each component of a config with what its class accepts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from mmengine.registry import (
    HOOKS,
    LOG_PROCESSORS,
    LOOPS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    PARAM_SCHEDULERS,
    VISUALIZERS,
    Registry,
)
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.utils.data import DataLoader

from mmctl import registry as mmctl_registry
from mmctl.engine.config_check.component_tables import (
    BASES,
    DEFAULT_HOOKS,
    EXTRA_KEYS,
    KEYWORDS,
    MAX_SHOWN,
    MODEL_KEYS,
    NESTED_REGISTRIES,
    OPAQUE_KEYS,
    PLAIN_SECTIONS,
)
from mmctl.engine.config_check.unknown_types import describe_unknown_type
from mmctl.engine.config_check.value_check import initializer_faults, initializers, value_faults


def describe_fault(path: str, key: str, owner: str, known: Iterable[str]) -> str:
    """Return a line that names a key, who does not know it, and the nearest known name.

    Args:
        path: Dotted path of the key in the config.
        key: The key.
        owner: What to call the one that reads it.
        known: The keys that it knows.
    """
    near = get_close_matches(str(key), known, n=1)
    shown = sorted(known)[:MAX_SHOWN]
    others = ", ..." if len(shown) == MAX_SHOWN else ""
    hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(shown)}{others}"
    return f"{path}: {owner} does not know {key!r}; {hint}"


def accepted_names(target: Callable) -> set[str] | None:
    """Return the keywords that a class or function accepts, or None if it takes any.

    Where a constructor passes ``**kwargs`` on, those of the next class in line count too.

    Args:
        target: A class, or a function.
    """
    names: set[str] = set()
    in_line = initializers(target)
    for initializer in in_line:
        if initializer is object.__init__:
            break
        try:
            parameters = inspect.signature(initializer).parameters.values()
        except ValueError:  # written in C
            return None
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            return names - {"self"}
    # No constructor of its own at all: it takes nothing. Otherwise **kwargs were left at the end.
    return None if names or len(in_line) > 1 else set()


class ComponentCheck:
    """Walk the components of a config and compare each with its class.

    Args:
        scope: Where types without a scope of their own are looked up.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def faults(self, cfg: Mapping[str, Any]) -> list[str]:
        """Return one line for each key and type in the config that nobody knows."""
        return [fault for faults in self._sections(cfg) for fault in faults]

    def _sections(self, cfg: Mapping[str, Any]) -> Iterator[Iterable[str]]:
        for key in ("model", "data_preprocessor", "tta_model"):
            yield self._components(key, cfg.get(key), MODELS)
        for phase in ("train", "val", "test"):
            yield self._dataloader(f"{phase}_dataloader", cfg.get(f"{phase}_dataloader"))
            yield self._loop(f"{phase}_cfg", cfg.get(f"{phase}_cfg"))
            yield self._evaluator(f"{phase}_evaluator", cfg.get(f"{phase}_evaluator"))
        yield self._optim_wrapper(cfg.get("optim_wrapper"))
        extra = {"convert_to_iter_based"}
        yield self._components(
            "param_scheduler", cfg.get("param_scheduler"), PARAM_SCHEDULERS, extra
        )
        yield self._default_hooks(cfg.get("default_hooks") or {})
        yield self._components("custom_hooks", cfg.get("custom_hooks"), HOOKS, {"priority"})
        yield self._components("visualizer", cfg.get("visualizer"), VISUALIZERS)
        log = cfg.get("log_processor")
        yield self._components(
            "log_processor", log and {"type": "LogProcessor", **log}, LOG_PROCESSORS
        )
        for key, known in PLAIN_SECTIONS.items():
            section = cfg.get(key) or {}
            yield (describe_fault(f"{key}.{k}", k, key, known) for k in section if k not in known)
            yield value_faults(key, Runner.set_randomness, section)
        processes = (cfg.get("env_cfg") or {}).get("mp_cfg") or {}
        given = frozenset({"distributed"})
        yield _keyword_faults("env_cfg.mp_cfg", processes, set_multi_processing, given)

    def _default_hooks(self, hooks: Mapping[str, Any]) -> Iterator[str]:
        for name, hook in hooks.items():
            path = f"default_hooks.{name}"
            if not isinstance(hook, Mapping) or "type" in hook:
                yield from self._components(path, hook, HOOKS)
            elif name in DEFAULT_HOOKS:
                yield f"{path}: a hook must have a 'type' to be built, got {dict(hook)}"
            else:
                known = DEFAULT_HOOKS | {n for n in hooks if "type" in (hooks[n] or ())}
                yield describe_fault(path, name, "default_hooks, where it has no type,", known)

    def _dataloader(self, path: str, loader: Any) -> Iterator[str]:
        if not isinstance(loader, Mapping):
            return
        known = accepted_names(DataLoader) or set()
        known = known | {"num_batch_per_epoch"}
        for key, value in loader.items():
            if key not in known:
                yield describe_fault(f"{path}.{key}", key, "DataLoader", known)
            elif key in NESTED_REGISTRIES:
                yield from self._components(f"{path}.{key}", value, NESTED_REGISTRIES[key])
        yield from value_faults(path, DataLoader, loader)

    def _loop(self, path: str, loop: Any) -> Iterator[str]:
        if not isinstance(loop, Mapping):
            return
        by_epoch = loop.get("by_epoch", True)
        default = {
            "train_cfg": "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop",
            "val_cfg": "ValLoop",
            "test_cfg": "TestLoop",
        }[path]
        yield from self._components(path, {"type": default, **loop}, LOOPS, {"by_epoch"})

    def _evaluator(self, path: str, evaluator: Any) -> Iterator[str]:
        if isinstance(evaluator, Mapping) and "metrics" in evaluator:
            path, evaluator = f"{path}.metrics", evaluator["metrics"]
        yield from self._components(path, evaluator, METRICS)

    def _optim_wrapper(self, wrapper: Any) -> Iterator[str]:
        # A constructor of one's own may take the config apart as it likes.
        if isinstance(wrapper, Mapping) and "constructor" not in wrapper:
            wrapper = {"type": "OptimWrapper", **wrapper}
            extra = {"paramwise_cfg"}
            yield from self._components("optim_wrapper", wrapper, OPTIM_WRAPPERS, extra)

    def _components(
        self,
        path: str,
        value: Any,
        registry: Registry,
        extra: Iterable[str] = (),
        strict: bool = True,
    ) -> Iterator[str]:
        """Yield the faults of one component or of each in a list.

        Args:
            path: Dotted path of ``value`` in the config.
            value: A dict with ``type``, a list of such, or anything else, which is passed over.
            registry: Where the type is registered.
            extra: Keys that are taken out before the class is called.
            strict: Whether a type that is not registered there is a fault.
        """
        if isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                yield from self._components(f"{path}[{index}]", item, registry, extra, strict)
        elif isinstance(value, Mapping) and "type" in value:
            yield from self._component(path, value, registry, extra, strict)

    def _component(
        self,
        path: str,
        component: Mapping[str, Any],
        registry: Registry,
        extra: Iterable[str],
        strict: bool,
    ) -> Iterator[str]:
        scope = component.get("_scope_", self.scope)
        target, candidates = _resolve(component["type"], registry, scope)
        if not callable(target):
            kind = component["type"]
            if not isinstance(kind, str):
                yield f"{path}.type: the name of a class must stand here, got {kind!r}"
            elif strict:
                owner = f"registry {registry.name!r} of scope {scope!r}"
                line = describe_fault(f"{path}.type", kind, owner, candidates)
                yield f"{line}; {describe_unknown_type(kind)}"
            return
        if strict:
            yield from _base_faults(path, target, registry)
        yield from value_faults(path, target, component)
        accepted = accepted_names(target)
        known = None if accepted is None else accepted | {"type", "_scope_", *extra}
        for key, value in component.items():
            if known is not None and key not in known:
                owner = getattr(target, "__name__", str(target))
                yield describe_fault(f"{path}.{key}", key, owner, known - {"type", "_scope_"})
            elif key == "init_cfg":
                yield from initializer_faults(f"{path}.{key}", value)
            elif key not in OPAQUE_KEYS and not key.endswith("_cfg"):
                yield from self._nested(f"{path}.{key}", target, key, value, registry)

    def _nested(
        self, path: str, target: Callable, key: str, value: Any, registry: Registry
    ) -> Iterator[str]:
        """Yield the faults of what stands under a key of a component."""
        reader = _find(KEYWORDS, target, key)
        is_plain = isinstance(value, Mapping) and "type" not in value
        # A function, unlike a class of ours, has no other in its place; its dict may have a type.
        if reader and isinstance(value, Mapping) and (is_plain or callable(reader[0])):
            yield from _keyword_faults(path, value, *reader)
            return
        nested = NESTED_REGISTRIES.get(key)
        if key in (_find(MODEL_KEYS, target) or ()):
            nested = MODELS
        # A dict without type may hold components by name, as the losses of a head.
        for name, item in value.items() if is_plain else [("", value)]:
            yield from self._components(
                f"{path}.{name}".rstrip("."),
                item,
                nested or registry,
                _find(EXTRA_KEYS, target, key) or (),
                strict=nested is not None,
            )


def _find(table: Mapping[Any, Any], target: Callable, *key: str) -> Any:
    """Return what a table has for a class or one of its bases, and a key; None if nothing."""
    names = [base.__name__ for base in target.__mro__] if inspect.isclass(target) else []
    places = [(name, *key) if key else name for name in names]
    return next((table[place] for place in places if place in table), None)


def _base_faults(path: str, target: Callable, registry: Registry) -> Iterator[str]:
    base, reason = BASES.get(registry.name, (object, ""))
    if inspect.isclass(target) and not issubclass(target, base):
        yield (
            f"{path}.type: {target.__name__} must be a subclass of "
            f"{base.__module__.partition('.')[0]}'s {base.__name__}, because {reason}"
        )


def _keyword_faults(
    path: str, keywords: Mapping[str, Any], owner: str | Callable, given: frozenset[str]
) -> Iterator[str]:
    """Yield the keys of a dict without ``type`` that its reader does not know."""
    target = mmctl_registry.MODELS.get(owner) if isinstance(owner, str) else owner
    known: set[str] = set()
    if target is clip_grad_norm_:
        known = {"type"}
        target = clip_grad_value_ if keywords.get("type") == "value" else target
    known |= (accepted_names(target) or set()) - given
    yield from value_faults(path, target, keywords)
    for key in keywords:
        if key not in known:
            yield describe_fault(f"{path}.{key}", key, target.__name__, known)


def _resolve(kind: Any, registry: Registry, scope: str) -> tuple[Callable | None, list[str]]:
    """Return the class of a ``type``, or None and the names that there are."""
    if not isinstance(kind, str):
        return kind, []
    with registry.switch_scope_and_registry(scope) as scoped:
        try:
            target = scoped.get(kind)
        except RuntimeError:  # a dotted name that leads nowhere
            target = None
        return target, [*scoped.module_dict, *registry.root.module_dict]
