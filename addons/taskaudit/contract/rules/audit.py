"""TA9xx: the audit itself. These rules have no examples: no answer breaks them."""

from __future__ import annotations

from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

TA901 = Rule(
    "TA901",
    "audit-failed",
    Severity.ERROR,
    when=Words(
        "the audit raised while looking at this exchange; traffic was not affected",
        "",
    ),
    why=Words(
        "Nothing is known of this exchange: it is counted as unaudited, and the fault is in the audit.",
        "",
    ),
    source="contract, section 4",
)
TA902 = Rule(
    "TA902",
    "records-lost",
    Severity.ERROR,
    when=Words(
        "records could not be written; says how many and from when to when",
        "",
    ),
    why=Words(
        "The log is not whole: job ids of that time may be missing. Traffic was not affected.",
        "",
    ),
    source="contract, sections 4 and 6",
)
