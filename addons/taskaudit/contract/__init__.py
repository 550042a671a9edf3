"""The contract: bytes and facts about an answer in, frozen verdicts out.

No files, no clock, no logging and no proxy in here.
"""
