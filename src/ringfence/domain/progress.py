"""How long work tells whoever waits for it where it stands."""

from typing import Protocol


class Progress(Protocol):
    """A listener that is told of stages, one after another, and of steps inside each."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin stage `name` (which ends the one before), of `total` steps if that is known."""

    def advance(self, steps: int) -> None:
        """Say that `steps` more steps of the current stage are done."""

    def done(self) -> None:
        """End the current stage."""


class Silent:
    """A listener that says nothing to anyone."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore the stage."""

    def advance(self, steps: int) -> None:
        """Ignore the steps."""

    def done(self) -> None:
        """Ignore the end."""
