"""A progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[str], None]]:
    """Show a bar on stderr if that is a terminal and the work takes over a second.

    The function that is yielded advances the bar by one, and says of what; when the bar
    is full, it begins anew. The time shown is that of all work.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda _: None
        return
    lock = Lock()
    with tqdm(total=total, unit=unit, delay=1.0, leave=False, disable=None) as bar:

        def advance(what: str) -> None:
            with lock:
                if bar.n >= total:
                    # `reset` would show the bar at once, and not erase it at the end.
                    bar.n = bar.last_print_n = 0
                bar.set_description(what, refresh=False)
                bar.update()

        yield advance
