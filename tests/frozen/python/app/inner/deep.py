depth = __name__.count(".")
