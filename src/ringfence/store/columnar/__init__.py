"""What stores keep as columns: how a load and a run are cut into batches, and put together again."""
