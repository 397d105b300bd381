"""Run the quickstart notebook headless and say what it spent and saved."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "01_quickstart.ipynb"
# Kept between runs, so that a rerun shows cache hits.
HOME = ROOT / "build" / "demo"

# Runs after the notebook's own cells, in its kernel, and is never stored.
TOTALS = """
import json
import costroute_nb
_ledger = costroute_nb.default_session().ledger
print(json.dumps({
    "attempts": len(_ledger),
    "hits": int(_ledger["cache_hit"].sum()),
    "spent": float(_ledger["cost_usd"].sum()),
    "saved": float(_ledger["saved_usd"].sum()),
    "unknown": int(_ledger["cost_usd"].isna().sum()),
}))
"""


def choose_provider() -> bool:
    """Choose the simulated provider unless a real one is wanted and possible.

    Returns
    -------
    bool
        Whether answers will be real, and cost real money.
    """
    if os.environ.get("COSTROUTE_PROVIDER") == "anthropic":
        import anthropic

        client = anthropic.Anthropic()
        if client.api_key or client.auth_token or client.credentials:
            return True
        print("COSTROUTE_PROVIDER=anthropic, but no credentials: simulating instead.")
    os.environ["COSTROUTE_PROVIDER"] = "simulated"
    # Real money stays in the user's own ledger, under the user's own limits.
    os.environ.setdefault("COSTROUTE_HOME", str(HOME))
    return False


def routed_cells(notebook: nbformat.NotebookNode) -> list[tuple[str, dict[str, Any]]]:
    """Return the prompt and the routing options of every ``%%route`` cell."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("%%route"):
            line, _, prompt = cell.source.partition("\n")
            words = shlex.split(line)
            given = dict(itertools.pairwise(words))
            options: dict[str, Any] = {
                name: given[f"--{name}"]
                for name in ("tier", "floor", "ceiling", "model")
                if f"--{name}" in given
            }
            if "--max-tokens" in given:
                options["max_tokens"] = int(given["--max-tokens"])
            cells.append((prompt, options))
    return cells


def worst_case(notebook: nbformat.NotebookNode) -> float:
    """Return the most that the notebook's calls can cost, in USD.

    Every candidate of every cell is tried, none is in the cache, and an answer without
    a given length is truncated and asked for again at twice the length. The limits
    stop a call and the session there. Variables are not filled in yet.
    """
    import costroute_nb

    no_limit = float("inf")
    session = costroute_nb.Session()
    limits = session.budget.limits
    call_limit = no_limit if limits.call is None else limits.call
    session_limit = no_limit if limits.session is None else limits.session
    total = 0.0
    for prompt, options in routed_cells(notebook):
        once = session.plan(prompt, **options).worst_usd
        tries = 1 if "max_tokens" in options else 3
        total += call_limit if once is None else min(once * tries, call_limit)
    session.close()
    return min(total, session_limit)


def execute(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Run the notebook in a kernel of this environment; return the ledger's totals."""
    notebook.cells.append(nbformat.v4.new_code_cell(TOTALS))
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    quiet = ["--IPKernelApp.log_level=40"]  # it warns of plain TCP on every start
    client = NotebookClient(
        notebook, timeout=900, resources=place, extra_arguments=quiet
    )
    client.execute()
    outputs = notebook.cells.pop().outputs  # a busy kernel sends them in pieces
    printed = (one.text for one in outputs if one.get("name") == "stdout")
    totals: dict[str, Any] = json.loads("".join(printed))
    return totals


def receipts(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the receipt lines that the cells displayed."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/plain") or output.get("text", "")
            found += [line for line in text.splitlines() if "· session $" in line]
    return found


def report(totals: dict[str, Any], lines: list[str], *, real: bool) -> None:
    """Say what happened, and how to open the notebook."""
    for line in lines:
        print(f"  {line}")
    baselines = sorted(set(re.findall(r" vs (\S+)", "\n".join(lines))))
    against = f" vs {', '.join(baselines)}" if baselines else ""
    print(
        f"{totals['attempts']} attempts, {totals['hits']} cache hits: "
        f"total spent ${totals['spent']:.6f}, saved ${totals['saved']:.6f}{against}"
        + ("" if real else " (simulated: nothing was billed)")
    )
    if totals["unknown"]:
        print(f"The cost of {totals['unknown']} attempts is unknown and not counted.")
    command = ".venv/bin/jupyter lab notebooks/01_quickstart.ipynb"
    print(f"Open it: {'' if real else 'COSTROUTE_PROVIDER=simulated '}{command}")


def main() -> int:
    """Run the demo; non-zero if a cell failed that should not have."""
    real = choose_provider()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    if real:
        print(f"Real money: in the worst case this costs ${worst_case(notebook):.4f}.")
    print(f"Running {NOTEBOOK.relative_to(ROOT)} ...", flush=True)
    try:
        totals = execute(notebook)
    except CellExecutionError as error:
        print(f"A cell failed: {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    report(totals, receipts(notebook), real=real)
    return 0


if __name__ == "__main__":
    sys.exit(main())
