"""Progress by stage: a bar on a terminal, log lines elsewhere; always on standard error."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ringfence.domain.progress import Progress, Silent

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_WORTH_TELLING = 1.0


@contextmanager
def show_progress(is_quiet: bool = False) -> Iterator[Progress]:
    """Give a listener that shows where long work stands."""
    if is_quiet:
        yield Silent()
    elif sys.stderr.isatty():
        with _terminal() as listener:
            yield listener
    else:
        yield _LogLines()


class _LogLines:
    """A line when a stage ends, and one every few seconds inside it."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._begun = self._last_line = time.monotonic()
        self._total: int | None = None
        self._steps = 0

    def stage(self, name: str, total: int | None = None) -> None:
        """Tell how long the stage before took, and begin."""
        self.done()
        self._stage, self._total, self._steps = name, total, 0
        self._begun = self._last_line = time.monotonic()

    def advance(self, steps: int) -> None:
        """Tell of the steps, now and then."""
        self._steps += steps
        now = time.monotonic()
        if self._total and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            print(f"{self._stage}: {min(1.0, self._steps / self._total):.0%}", file=sys.stderr, flush=True)

    def done(self) -> None:
        """Tell how long the stage took."""
        if self._stage is not None:
            print(f"{self._stage}: {time.monotonic() - self._begun:.1f} s", file=sys.stderr, flush=True)
        self._stage = None


@contextmanager
def _terminal() -> Iterator[Progress]:
    """Show the current stage in one line that goes away, and leave a line behind for each slow one."""
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    class Terminal:
        def __init__(self, bars: Bars) -> None:
            self._bars = bars
            self._task: TaskID | None = None

        def stage(self, name: str, total: int | None = None) -> None:
            self.done()
            self._task = self._bars.add_task(name, total=total or None)

        def advance(self, steps: int) -> None:
            if self._task is not None:
                self._bars.advance(self._task, steps)

        def done(self) -> None:
            if self._task is None:
                return
            task = next(task for task in self._bars.tasks if task.id == self._task)
            if (task.elapsed or 0.0) >= _SECONDS_WORTH_TELLING:
                self._bars.console.print(f"[green]✓[/] {task.description} [dim]{task.elapsed:.1f} s[/]")
            self._bars.remove_task(self._task)
            self._task = None

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    console = Console(stderr=True, highlight=False)
    with Bars(*columns, console=console, transient=True) as bars:
        listener = Terminal(bars)
        yield listener
        listener.done()
