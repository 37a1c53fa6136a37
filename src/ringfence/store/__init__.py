"""What is kept between runs: the ports, by subject, and the stores behind them."""

from ringfence.market.tables import KnownRows
from ringfence.store.leases import Leases
from ringfence.store.market import MarketPort
from ringfence.store.offline import FolderInUseError, Import, ImportFiles
from ringfence.store.records import Append, Records
from ringfence.store.reports import Reports
from ringfence.store.rings import PastRun, Rings
from ringfence.store.store import Backup, Health, Restored, Store, Stores

__all__ = [
    "Append",
    "Backup",
    "FolderInUseError",
    "Health",
    "Import",
    "ImportFiles",
    "KnownRows",
    "Leases",
    "MarketPort",
    "PastRun",
    "Records",
    "Reports",
    "Restored",
    "Rings",
    "Store",
    "Stores",
]
