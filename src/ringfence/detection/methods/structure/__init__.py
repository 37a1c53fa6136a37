"""Structure without times: rings from who claimed against which merchants, and nothing else."""
