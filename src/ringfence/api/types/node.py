"""What all objects have in common that can be asked for again by their id."""

import strawberry


@strawberry.interface
class Node:
    """An object with an id of its own among all objects."""

    id: strawberry.ID = strawberry.field(description="Global id: what node(id:) takes to find it again.")
