import dataclasses
import json
from typing import Any

import pytest

from ringfence.detection.methods.identifiers.parameters import IdentifierParameters
from ringfence.detection.methods.waves.parameters import WaveParameters
from ringfence.detection.parameters import (
    CoincidenceParameters,
    FusionParameters,
    OccasionParameters,
    OrderParameters,
    Parameters,
    YardstickParameters,
)
from ringfence.detection.ranges import InvalidParameterError

SUBJECTS: list[type[Any]] = [
    YardstickParameters,
    OccasionParameters,
    OrderParameters,
    CoincidenceParameters,
    IdentifierParameters,
    WaveParameters,
    FusionParameters,
]
MAY_BE_ANY_NUMBER = {"seed_score", "slack", "meets_score", "least_score", "household_score"}
SHARES = {"honest_fault_rate"}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_parameters_out_of_range_are_refused_by_name(subject: type[Any]) -> None:
    for name in {field.name for field in dataclasses.fields(subject)} - MAY_BE_ANY_NUMBER:
        with pytest.raises(InvalidParameterError, match=f"{name}=0"):
            subject(**{name: 0})
        with pytest.raises(InvalidParameterError, match=f"{name}=-1"):
            subject(**{name: -1})


@pytest.mark.parametrize("name", sorted(SHARES))
def test_a_share_is_at_most_one(name: str) -> None:
    assert OrderParameters(**{name: 1.0})
    with pytest.raises(InvalidParameterError, match=name):
        OrderParameters(**{name: 1.01})


def test_every_parameter_stands_in_the_record_of_a_run_under_its_subject() -> None:
    recorded = Parameters().to_dict()
    of_run = {field.name for field in dataclasses.fields(Parameters)}
    assert recorded.keys() == of_run
    by_type = {type(getattr(Parameters(), name)): recorded[name] for name in of_run}
    for subject in SUBJECTS:
        assert by_type[subject] == dataclasses.asdict(subject())
    assert json.loads(json.dumps(recorded)) == recorded | {"without": list(Parameters().without)}
