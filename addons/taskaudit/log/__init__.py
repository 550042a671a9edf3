"""The log: an append-only NDJSON file and the rotated files beside it.

format      how a file starts, and what goes wrong with it
names       what rotated files are called
settings    when to rotate, what to keep, when to force to the disk
opening     opening, locking, repairing
turning     a new file takes the place of a full one
tidying     compressing, pruning and rescuing, in a thread
syncing     forcing to the disk, in a thread
file        the log that is written
decoding    compressed files as chunks of text
record      what a line holds, of which types: written and read
reading     the log that is read; following: as it grows
"""

from taskaudit.log.file import LogFile
from taskaudit.log.following import follow_log
from taskaudit.log.format import Damaged, LogError
from taskaudit.log.reading import read_log
from taskaudit.log.settings import LogSettings

__all__ = ["Damaged", "LogError", "LogFile", "LogSettings", "follow_log", "read_log"]
