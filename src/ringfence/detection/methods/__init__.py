"""Methods of detection, a folder each: every one proposes groups of buyers from a prepared marketplace."""
