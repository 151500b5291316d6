"""What can take the place of a finding. Each operator is a file with `validate` and `operate`."""

from catalogue import RegistryError
from spacy.util import registry

from ...errors import Errors
from .base import Operator

PREFIX, SUFFIX = "spacy-tiered-ner.", "_operator.v1"


def resolve(operator: str | Operator, label: str) -> Operator:
    """Read an entry of `operators`: an operator, or the name of one that is used with its defaults.

    RAISES (ValueError): T222 for what is neither.
    """
    if isinstance(operator, str):
        try:
            operator = registry.misc.get(f"{PREFIX}{operator}{SUFFIX}")()
        except RegistryError:
            raise ValueError(Errors.T222.format(label=label, value=operator, names=", ".join(names()))) from None
    if not isinstance(operator, Operator):
        raise ValueError(Errors.T222.format(label=label, value=operator, names=", ".join(names())))
    return operator


def names() -> list[str]:
    """RETURNS (List[str]): The operators of the package."""
    known = registry.misc.get_all()
    return sorted(name.removeprefix(PREFIX).removesuffix(SUFFIX) for name in known if name.endswith(SUFFIX))
