"""Files in, a normalised and pseudonymised market out."""

from ringfence.domain.loads import FileCount
from ringfence.intake.account import write_rejected
from ringfence.intake.digest import digest_of
from ringfence.intake.errors import TooManyRejectedError, UnreadableInputError
from ringfence.intake.inputs import find_inputs
from ringfence.intake.intake import Intake, market_from_frames, read_market
from ringfence.intake.known import hold_against
from ringfence.intake.load_tables import IntakeTables, read_tables
from ringfence.intake.normalise import NORMALISER_VERSION
from ringfence.intake.options import IntakeOptions, Mapping
from ringfence.market.pseudonym_key import PseudonymKey

__all__ = [
    "NORMALISER_VERSION",
    "FileCount",
    "Intake",
    "IntakeOptions",
    "IntakeTables",
    "Mapping",
    "PseudonymKey",
    "TooManyRejectedError",
    "UnreadableInputError",
    "digest_of",
    "find_inputs",
    "hold_against",
    "market_from_frames",
    "read_market",
    "read_tables",
    "write_rejected",
]
