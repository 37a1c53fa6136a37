"""All that a database holds, in a form that two databases can be compared in."""

from collections import Counter
from typing import Any

from neo4j_database import DATABASE, Login


def whole_graph(login: Login) -> Counter[tuple[Any, ...]]:
    """Give all nodes and relationships, but for who holds a lease, and who wrote last."""
    with login.driver() as driver, driver.session(database=DATABASE) as session:
        nodes = session.run("MATCH (n) WHERE NOT n:Lease RETURN labels(n), properties(n)")
        found = Counter(_node(*row) for row in nodes)
        ties = session.run(
            "MATCH (a)-[r]->(b) "
            "RETURN labels(a), properties(a), type(r), properties(r), labels(b), properties(b)"
        )
        for start, start_cells, kind, cells, end, end_cells in ties:
            found[(_node(start, start_cells), kind, _told(cells), _node(end, end_cells))] += 1
    return found


def kinds_of(graph: Counter[tuple[Any, ...]]) -> set[str]:
    """Name the relationships there are."""
    return {row[1] for row in graph if len(row) == 4}


def _node(labels: list[str], cells: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted(labels)), _told(cells)


def _told(cells: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted((name, cell) for name, cell in cells.items() if name not in ("writes", "mark")))
