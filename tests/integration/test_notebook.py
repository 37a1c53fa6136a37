"""The Python interface: frames or paths in, tables out, with the defaults of the command line."""

import json
from pathlib import Path

import networkx as nx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ringfence
from ringfence.app import StoresByAddress
from ringfence.cli.main import run
from ringfence.domain.errors import InvalidError
from ringfence.generator import GeneratorOptions, Marketplace, generate_marketplace, write_marketplace
from ringfence.settings import Settings

TABLES = ("rings", "members", "buyers", "links", "evidence")


@pytest.fixture(scope="module")
def marketplace() -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=1500, seed=5))


@pytest.fixture(scope="module")
def found(marketplace: Marketplace) -> ringfence.Result:
    return ringfence.detect(marketplace.claims, marketplace.orders)


def test_polars_pandas_and_files_give_the_same_rings(
    marketplace: Marketplace, found: ringfence.Result, tmp_path: Path
) -> None:
    assert len(found.rings) > 0
    text = marketplace.claims.with_columns(pl.col("amount").cast(pl.String))
    orders = marketplace.orders.with_columns(pl.col("amount").cast(pl.String))
    from_pandas = ringfence.detect(text.to_pandas(), orders.to_pandas())
    write_marketplace(marketplace, tmp_path / "market", file_format="parquet")
    from_folder = ringfence.detect(tmp_path / "market")
    from_files = ringfence.detect(
        str(tmp_path / "market" / "claims.parquet"), tmp_path / "market" / "orders.parquet"
    )
    for table in TABLES[:2]:
        for other in (from_pandas, from_folder, from_files):
            assert_frame_equal(getattr(other, table), getattr(found, table))


def test_the_command_line_finds_what_a_notebook_finds(
    marketplace: Marketplace, found: ringfence.Result, tmp_path: Path
) -> None:
    write_marketplace(marketplace, tmp_path / "market")
    settings = Settings(key_file=tmp_path / "key")
    arguments = ["detect", "-i", str(tmp_path / "market"), "-o", str(tmp_path / "run"), "--links", "-q"]
    assert run(arguments, settings, StoresByAddress()) == 0
    found.write(tmp_path / "notebook")
    for table in ("rings", "members", "links", "evidence"):
        written = (tmp_path / "run" / f"{table}.csv").read_bytes()
        assert (tmp_path / "notebook" / f"{table}.csv").read_bytes() == written
    told, noted = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("run", "notebook"))
    assert noted.keys() == told.keys()
    assert noted["parameters"] == told["parameters"]
    assert noted["versions"] == told["versions"]


def test_a_result_becomes_a_graph_of_rings_buyers_and_merchants(found: ringfence.Result) -> None:
    graph = found.to_networkx()
    assert isinstance(graph, nx.Graph)
    kinds = [kind for _, kind in graph.nodes(data="kind")]
    assert kinds.count("ring") == len(found.rings)
    assert kinds.count("buyer") >= len(found.members)
    one = found.rings["ring_id"][0]
    assert [kind for _, kind in found.to_networkx([one]).nodes(data="kind")].count("ring") == 1


def test_a_previous_result_lends_its_names(marketplace: Marketplace, found: ringfence.Result) -> None:
    later = marketplace.claims.filter(pl.col("buyer_id") != found.members["buyer_id"][0])
    again = ringfence.detect(later, marketplace.orders, previous=found)
    assert set(again.rings["ring_id"]) & set(found.rings["ring_id"])
    assert set(again.lineage["event"]) <= {
        "kept",
        "shrank",
        "changed",
        "grew",
        "born",
        "died",
        "split",
        "merged",
    }


def test_what_is_no_table_is_refused_with_a_remedy(marketplace: Marketplace) -> None:
    with pytest.raises(InvalidError, match="polars or pandas frame or a path"):
        ringfence.detect([1, 2, 3])
    with pytest.raises(InvalidError, match="all paths or all frames"):
        ringfence.detect(marketplace.claims, "orders.csv")
    with pytest.raises(InvalidError, match="merchant_id"):
        ringfence.detect(marketplace.claims.drop("merchant_id"))
