"""How the state of many series is kept."""
