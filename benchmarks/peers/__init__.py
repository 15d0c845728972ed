"""The solvers that are compared: one adapter per solver, which states its convention.

The order matters only to the runner: solvers that tend to be fast come first, so that
the runner interrupts slow solvers earlier.
"""

from __future__ import annotations

from benchmarks.peers import _l1, _others, _scipy, _sklearn
from benchmarks.peers._base import Peer
from benchmarks.peers._ours import OURS, OURS_ABSORBED

_FIRST = (
    "sklearn newton-cg",
    "sklearn newton-cholesky",
    "liblinear-official",
    "adelie",
    "sklearnex newton-cg",
    "sklearnex lbfgs",
)
_LAST = (
    "skglm",
    "snapml",
    "skglm anderson-cd",
    "celer",
    "sklearn saga",
    "sklearn sag",
)


def _place(peer: Peer) -> int:
    """Sort key: negative for the first solvers, positive for the last."""
    if peer.name in _FIRST:
        return _FIRST.index(peer.name) - len(_FIRST)
    return _LAST.index(peer.name) + 1 if peer.name in _LAST else 0


_ALL = _sklearn.PEERS + _others.PEERS + _l1.PEERS + _scipy.PEERS
PEERS: tuple[Peer, ...] = tuple(sorted(_ALL, key=_place))


def installed(ours: bool = False) -> list[Peer]:
    """Peers whose libraries are installed; with `ours`, also this package."""
    own = (OURS, OURS_ABSORBED) if ours else ()
    return [peer for peer in own + PEERS if peer.installed()]


__all__ = ["OURS", "OURS_ABSORBED", "PEERS", "Peer", "installed"]
