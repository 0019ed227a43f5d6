"""Parts of Ray and Tune that there is no public way to change: ours for a while, then theirs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replaced(where: Any, **parts: Any) -> Iterator[None]:
    """Replace attributes of a module or a class for as long as the block runs.

    Args:
        where: The module or the class.
        parts: Name -> what stands there meanwhile.
    """
    before = {name: getattr(where, name) for name in parts}
    try:
        for name, part in parts.items():
            setattr(where, name, part)
        yield
    finally:
        for name, part in before.items():
            setattr(where, name, part)
