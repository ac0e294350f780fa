"""The kernel specification "K8s Lab": the ordinary IPython kernel with k8slab loaded."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

NAME = "k8slab"
LOAD = "import k8slab; k8slab.load_ipython_extension(get_ipython()); del k8slab"

#: ``python`` is replaced by the interpreter of the environment that the specification is installed in.
SPEC = {
    # Not ``--ext k8slab``: a notebook's own ``%load_ext k8slab`` would then report that it is loaded already.
    "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}", f"--IPKernelApp.exec_lines={LOAD}"],
    "display_name": "K8s Lab",
    "language": "python",
    "metadata": {"debugger": True},
}


def install(user: bool = False, prefix: str | None = None) -> str:
    """Install the specification for this environment (or ``prefix``, or this user); returns the folder."""
    from jupyter_client.kernelspec import KernelSpecManager

    argv = [sys.executable if user else "python", *SPEC["argv"][1:]]  # type: ignore[index]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel.json").write_text(json.dumps({**SPEC, "argv": argv}, indent=1), encoding="utf-8")
        for logo in sorted(Path(__file__).parent.joinpath("logo").glob("logo-*")):
            shutil.copy(logo, folder)
        where = None if user else prefix or sys.prefix
        return KernelSpecManager().install_kernel_spec(folder, NAME, user=user, prefix=where)
