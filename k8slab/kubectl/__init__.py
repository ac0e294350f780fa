"""kubectl in Python, for notebooks: the verbs, flags, output formats and words of the real one.

    from k8slab.kubectl import run
    result = run("get pods -o wide", lab.session())
    result.stdout, result.stderr, result.exit_code

It talks to the API server like any other client. Where the real kubectl waits for the world (`wait`, `rollout status`,
`delete`, `get -w`), this one lets virtual time pass.
"""

from k8slab.kubectl.program import Result, run

__all__ = ["Result", "run"]
