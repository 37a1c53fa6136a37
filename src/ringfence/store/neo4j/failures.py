"""What the driver's errors mean for whoever reads them, and whether to try again."""

from neo4j import exceptions

from ringfence.domain.errors import UnavailableError
from ringfence.store.neo4j.address import Address

DRIVER_ERRORS = (exceptions.Neo4jError, exceptions.DriverError)
_REMEDIES = (
    (
        "Neo.ClientError.Security",
        "it refuses the user or the password; set RINGFENCE_STORE_USER and RINGFENCE_STORE_PASSWORD",
    ),
    (
        "Neo.ClientError.Database.DatabaseNotFound",
        "it has no such database; name another after the port (neo4j://HOST:7687/DATABASE)",
    ),
    (
        "Neo.ClientError.Transaction.TransactionTimedOut",
        "it took too long over a statement; see how busy it is, and try again",
    ),
    (
        "Neo.TransientError.Transaction.LockAcquisitionTimeout",
        "others have been writing to it all the time; try again",
    ),
    (
        "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
        "it has not enough memory for this; raise server.memory.heap.max_size or "
        "dbms.memory.transaction.total.max",
    ),
    ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", "it is read-only"),
    (
        "Neo.ClientError.Cluster.NotALeader",
        "it is a follower; use the scheme neo4j:// to be led to the leader",
    ),
)
_PASSING = (
    # A node that is merged while another deletes it is not found, though it will be the next time.
    "Neo.ClientError.Statement.EntityNotFound",
    # Where two make the same store at once, IF NOT EXISTS holds only the next time.
    "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
)


class ServerError(UnavailableError):
    """A server that does not answer, or does not do what it is asked."""

    def __init__(
        self, address: Address, reason: str, *, is_transient: bool, is_cut_off: bool = False
    ) -> None:
        super().__init__(f"The store {address}: {reason}.")
        self.address, self.reason = address, reason
        self.is_transient = is_transient
        """Whether the same may well go through when it is tried again."""
        self.is_cut_off = is_cut_off
        """Whether the connection was lost, so that nobody knows what was carried out."""


def meaning(address: Address, error: Exception) -> ServerError:
    """Say what an error of the driver means."""
    code = getattr(error, "code", None) or ""
    for begin, reason in _REMEDIES:
        if code.startswith(begin):
            return ServerError(address, reason, is_transient=_is_transient(error))
    if isinstance(error, exceptions.ServiceUnavailable | exceptions.SessionExpired):
        reason = "it does not answer; see whether it runs and whether the address is right"
        return ServerError(address, reason, is_transient=True, is_cut_off=True)
    if isinstance(error, exceptions.ConfigurationError):
        return ServerError(address, str(error).rstrip("."), is_transient=False)
    told = getattr(error, "message", None) or str(error) or type(error).__name__
    reason = " ".join(told.split()).rstrip(".")
    return ServerError(address, f"it refuses ({reason})", is_transient=_is_transient(error))


def _is_transient(error: Exception) -> bool:
    if getattr(error, "code", None) in _PASSING:
        return True
    return isinstance(error, DRIVER_ERRORS) and error.is_retryable()
