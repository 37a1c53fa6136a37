"""A lease held for as long as some work takes, renewed meanwhile, let go after."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ringfence.domain.errors import UnavailableError
from ringfence.domain.leases import Holder, Lease, LeaseHeldError, LeaseLostError, LeaseName
from ringfence.store import Store

_SECONDS = 60.0


@contextmanager
def hold_lease(
    store: Store, name: LeaseName, clock: Callable[[], int], seconds: float = _SECONDS
) -> Iterator[Lease]:
    """Hold the lease `name` while the block runs; `clock` gives µs since 1970-01-01 UTC.

    It is given for `seconds` and renewed three times as often. A process that died on this very machine
    loses its lease at once, one elsewhere when its seconds are over. If the lease is lost, the next write
    under it raises LeaseLostError. Raises LeaseHeldError while another process holds it.
    """
    holder = this_process()
    try:
        lease = store.leases.acquire(name, holder, seconds, clock())
    except LeaseHeldError as held:
        if not is_dead(held.holder):
            raise
        lease = store.leases.take_over(held.lease, holder, seconds, clock())
    is_over = threading.Event()
    renewing = threading.Thread(
        target=_renew, args=(store, lease, clock, seconds, is_over), name=f"lease-{name}", daemon=True
    )
    renewing.start()
    try:
        yield lease
    finally:
        is_over.set()
        renewing.join()
        # A lease that cannot be let go ends by itself; what the block raised must not be hidden by that.
        with suppress(UnavailableError):
            store.leases.release(lease)


def this_process() -> Holder:
    """Name this process so that others on this machine can tell whether it lives."""
    return Holder(socket.gethostname(), os.getpid(), _started(os.getpid()))


def is_dead(holder: Holder) -> bool:
    """Say whether a holder is known to be dead: a process of this very machine that is gone.

    Where that cannot be told (another host, another container, another boot), it counts as alive.
    """
    place = _started(os.getpid()).rpartition("/")[0]
    if holder.host != socket.gethostname() or holder.started.rpartition("/")[0] != place:
        return False
    if os.name != "posix":
        # There, signal 0 would end the process instead of asking after it.
        return False
    try:
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return _started(holder.process) not in ("", holder.started)


def _started(process: int) -> str:
    """Tell a process from others of its number: `boot/namespace/ticks` on Linux, else nothing.

    Numbers mean something only within one boot and one namespace of processes, though two containers may
    share the name of their host.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        # The second field, the program's name, may hold spaces and brackets.
        fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    state, ticks = fields[0], fields[19]
    return f"{boot}/{namespace}/{'ended' if state in 'ZX' else ticks}"


def _renew(
    store: Store, lease: Lease, clock: Callable[[], int], seconds: float, is_over: threading.Event
) -> None:
    while not is_over.wait(seconds / 3):
        try:
            store.leases.renew(lease, seconds, clock())
        except LeaseLostError:
            return
        except UnavailableError:
            # It may answer again before the lease ends; if not, whoever writes next is told.
            continue
