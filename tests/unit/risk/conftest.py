from hypothesis import settings

# the first example of a test may wait for compilation
settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")
