"""Holds a contract against the JSON schema of the Open Data Contract Standard itself."""

from __future__ import annotations

import json
from functools import cache

from contracts.node import Node


@cache
def _validator():
    import jsonschema  # both are slow to import, and only a strict reading needs them
    from open_data_contract_standard.model import OpenDataContractStandard

    return jsonschema.Draft201909Validator(json.loads(OpenDataContractStandard.json_schema()))


def check_schema(node: Node) -> None:
    """ContractError naming the first place that ODCS does not allow."""
    error = next(
        iter(sorted(_validator().iter_errors(node.value), key=lambda e: [str(p) for p in e.absolute_path])), None
    )
    if error is not None:
        field = ".".join(str(part) for part in error.absolute_path) or "file"
        node.fail(f"what ODCS allows is expected ({error.message[:120]})", field)
