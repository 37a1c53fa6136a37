"""How resolvers know who asks."""

import strawberry

from ringfence.api.loaders import Asking

Info = strawberry.Info[Asking, None]
"""What strawberry gives a resolver: its `context` is the request."""
