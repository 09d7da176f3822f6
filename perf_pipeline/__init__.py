"""Say whether a message-scheduling system carries a million messages a day.

Only the version lives here: importing the package must cost nothing.
"""

__version__ = "0.1.0"
