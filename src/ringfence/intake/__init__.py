"""Files in, a normalised and pseudonymised market out."""

from ringfence.domain.loads import FileCount
from ringfence.intake.account import write_rejected
from ringfence.intake.errors import TooManyRejectedError, UnreadableInputError
from ringfence.intake.intake import Intake, market_from_frames, read_market
from ringfence.intake.key import PseudonymKey
from ringfence.intake.normalise import NORMALISER_VERSION
from ringfence.intake.options import IntakeOptions, Mapping

__all__ = [
    "NORMALISER_VERSION",
    "FileCount",
    "Intake",
    "IntakeOptions",
    "Mapping",
    "PseudonymKey",
    "TooManyRejectedError",
    "UnreadableInputError",
    "market_from_frames",
    "read_market",
    "write_rejected",
]
