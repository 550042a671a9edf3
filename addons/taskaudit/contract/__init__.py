"""The contract: bytes and facts about an answer in, frozen verdicts out. No files, clock, logging or proxy here."""
