"""papermill's engine of this project: cells run in a jailed worker instead of a Jupyter kernel.

Registered as the entry point ``papermill.engine: k8slab``. The notebook that comes out is for reading; no score is ever
read from it.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode, from_dict
from papermill.engines import Engine

from k8slab.grader.session import Session, Template


class LabEngine(Engine):
    """Runs a notebook's cells through a Session."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, session: Session | None = None, **_: Any) -> None:
        """Run every code cell; a cell that fails does not stop the others.

        ``session`` is the worker to use; without one (``papermill --engine k8slab``) a worker of its own is started.
        """
        if session is None:
            with_own_session(nb_man)
            return
        for number, cell in enumerate(nb_man.nb.cells, 1):
            if cell.cell_type == "code" and cell.source.strip():
                _run(nb_man, number, cell, session)


def _run(nb_man: Any, number: int, cell: NotebookNode, session: Session) -> None:
    nb_man.cell_start(cell, number - 1)
    answer = session.run(number, cell.source)
    cell.outputs = [from_dict(output) for output in answer["outputs"]]
    cell.execution_count = number
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = number
    if answer["status"] != "ok":
        nb_man.cell_exception(cell, number - 1)
    nb_man.cell_complete(cell, number - 1)


def with_own_session(nb_man: Any, timeout: float = 300) -> None:
    """Run a managed notebook in a worker that lives for this run alone."""
    with Template() as template:
        session = Session(template, timeout)
        try:
            LabEngine.execute_managed_notebook(nb_man, "", session)
        finally:
            session.close()
