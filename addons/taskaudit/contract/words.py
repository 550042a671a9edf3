"""What is said to people, in each language they read it in."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Language(StrEnum):
    """The languages of everything that people read; what machines read is the same in each."""

    EN = "en"
    ZH = "zh"


class Words(NamedTuple):
    """One text in English and in Simplified Chinese."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The text in that language."""
        return self.zh if language is Language.ZH else self.en
