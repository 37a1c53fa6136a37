"""A graph in which a report was known by its id alone, brought forward."""

import orjson

from ringfence.store import report_names
from ringfence.store.neo4j.database import Database


def name_reports(database: Database, schema_version: int, seconds: float) -> None:
    """Let reports of a store before that version be known by their merchants too; twice is as once.

    Events stay as they were told; records of reports are on no list then.
    """
    database.write_alone("place_reports", seconds=seconds)
    rows = [(id, version, orjson.loads(state)) for id, version, state in database.all("list_verifications")]
    filed = {report_id for *_, state in rows for report_id in report_names.filed(state)}
    merchant_of = dict(database.all("find_merchants_of_reports", report_ids=sorted(filed)))
    states = [
        [id, version, orjson.dumps(report_names.named(state, merchant_of)).decode()]
        for id, version, state in rows
        if report_names.filed(state)
    ]
    database.write_alone("name_reports", seconds=seconds, states=states, schema_version=schema_version)
