def plug():
    return "plugged in"
