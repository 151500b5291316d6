"""What an operator is."""

from typing import ClassVar

from ..session import Session


class Operator:
    """Replaces one value at a time.

    reversal (Optional[str]): What leads back to the value: a "tag" or a "fake" in the session, or a "key".
    """

    reversal: ClassVar[str | None] = None

    def validate(self, label: str) -> None:
        """Check the settings, for values of this label ("*" for any). RAISES (ValueError): Where they cannot work."""

    def operate(self, value: str, label: str, session: Session) -> str:
        """RETURNS (str): What stands in the text instead of the value."""
        raise NotImplementedError
