"""The ``k8slab`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from k8slab import __version__
from k8slab.errors import K8sLabError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. A user's mistake is one line on standard error."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except (K8sLabError, OSError) as error:
        print(_message(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"error: cannot open {error.filename}: {error.strerror}"
    text = str(error)
    # kubectl's own messages begin with what they are.
    return text if text.startswith(("error:", "Error from server", "The ")) else f"error: {text}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="k8slab", description="A Jupyter lab in which people learn how Kubernetes really works, by running it."
    )
    parser.add_argument("--version", action="version", version=f"k8slab {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_lab(commands)
    _add_demo(commands)
    _add_serve(commands)
    _add_replay(commands)
    _add_exercise(commands)
    _add_grade(commands)
    _add_kernel(commands)
    return parser


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lab = commands.add_parser("lab", help="JupyterLab on a copy of the course")
    lab.add_argument(
        "--dir", default="k8slab-course", help="where your copy of the course lives (default: %(default)s)"
    )
    lab.add_argument("--port", type=int, default=8888, help="port to listen on (default: %(default)s)")
    lab.add_argument("--no-browser", action="store_true", help="only print the address")
    lab.set_defaults(run=_lab)


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="run an application, fail a worker, tell what happens")
    demo.add_argument("-f", "--filename", metavar="FILE", help="your own manifest instead of the guestbook")
    demo.add_argument("--html", metavar="FILE", help="also write a self-contained report")
    demo.add_argument("--workers", type=int, default=3, help="number of workers (default: %(default)s)")
    demo.add_argument("--seed", type=int, default=7, help="seed of all randomness (default: %(default)s)")
    demo.add_argument("--timeout", default="10m", help="virtual time for everything to run (default: %(default)s)")
    demo.set_defaults(run=_demo)


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="the API of a cluster over HTTPS, for real kubectl and client libraries")
    serve.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="listen here (default: %(default)s)")
    serve.add_argument("--expose", action="store_true", help="allow an address that other machines reach")
    serve.add_argument("--port", type=int, default=6443, help="port to listen on, 0 for any (default: %(default)s)")
    serve.add_argument("--workers", type=int, help="number of workers (default: 3)")
    serve.add_argument("--control-planes", type=int, metavar="N", help="so many (default: 1)")
    serve.add_argument("--seed", type=int, help="seed of all randomness (default: 7)")
    serve.add_argument("--components", metavar="NAME,...", help="run these components only")
    serve.add_argument("--cloud", action="store_const", const=True, help="put the machines into a simulated cloud")
    serve.add_argument("--data-dir", metavar="DIR", help="keep the cluster here, or go on with the one that is there")
    serve.add_argument("--epoch", metavar="TIME", help="the cluster's first time, in RFC 3339 (default: the present)")
    serve.add_argument(
        "--kubeconfig", metavar="FILE", help="write the kubeconfig here (default: in the data directory)"
    )
    serve.add_argument("--audit-log-path", metavar="FILE", help="note requests here, - for standard output")
    serve.add_argument("--audit-policy-file", metavar="FILE", help="which requests, and how much of them")
    serve.add_argument("--max-requests-inflight", type=int, default=400, metavar="N", help="so many reading requests")
    serve.add_argument(
        "--max-mutating-requests-inflight", type=int, default=200, metavar="N", help="so many changing ones at a time"
    )
    serve.add_argument("--speed", type=float, default=1.0, help="virtual seconds in a second (default: %(default)s)")
    serve.set_defaults(run=_serve)


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    replay = commands.add_parser("replay", help="live through a saved lab or journal again")
    replay.add_argument("journal", help="a file that lab.save() wrote")
    replay.set_defaults(run=_replay)


def _add_exercise(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    exercise = commands.add_parser("exercise", help="make and check exercises")
    actions = exercise.add_subparsers(metavar="ACTION", required=True)
    release = actions.add_parser("release", help="write the learner's version, without solutions")
    release.add_argument("exercise", help="folder of the exercise, for example exercises/self-healing")
    release.add_argument("--out", required=True, help="folder for the learner's version")
    release.set_defaults(run=_release)
    check = actions.add_parser("check", help="the reference must get full marks, the untouched exercise none")
    check.add_argument("exercise", help="folder of the exercise")
    check.add_argument("--rubrics", default="grading", help="folder of the hidden checks (default: %(default)s)")
    check.set_defaults(run=_check)


def _add_grade(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    grade = commands.add_parser("grade", help="grade a folder of submissions")
    grade.add_argument("submissions", help="folder with one notebook, or one folder with notebooks, per learner")
    grade.add_argument("--exercises", default="exercises", help="folder of exercises (default: %(default)s)")
    grade.add_argument("--rubrics", default="grading", help="folder of hidden checks (default: %(default)s)")
    grade.add_argument("--exercise", help="grade this exercise only (default: what each notebook says it is)")
    grade.add_argument("--out", required=True, metavar="DIR", help="folder for grades.csv, grades.json and feedback")
    grade.add_argument("--workers", type=int, default=1, metavar="N", help="so many submissions at a time")
    grade.add_argument("--timeout", type=float, default=60, help="seconds for one submission (default: %(default)s)")
    grade.set_defaults(run=_grade)


def _add_kernel(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    kernel = commands.add_parser("kernel", help="the Jupyter kernel that speaks kubectl")
    actions = kernel.add_subparsers(metavar="ACTION", required=True)
    install = actions.add_parser("install", help="make the kernel known to Jupyter")
    install.add_argument("--user", action="store_true", help="for this user instead of this environment")
    install.set_defaults(run=_install)


def _lab(arguments: argparse.Namespace) -> int:
    from k8slab.kernel.launch import launch

    return launch(Path(arguments.dir), arguments.port, browser=not arguments.no_browser)


def _demo(arguments: argparse.Namespace) -> int:
    from k8slab.demo import report, tell
    from k8slab.lab import Lab
    from k8slab.sim.clock import SECOND
    from k8slab.sim.duration import parse_duration

    manifest = Path(arguments.filename).read_text(encoding="utf-8") if arguments.filename else None
    timeout = parse_duration(arguments.timeout) / SECOND
    story = tell(Lab(workers=arguments.workers, seed=arguments.seed), manifest, _say, timeout)
    if arguments.html:
        title = f"{Path(arguments.filename).stem if arguments.filename else 'Guestbook'}: a worker fails"
        Path(arguments.html).write_text(report(story, title), encoding="utf-8")
        print(f"\nreport written to {arguments.html}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _serve(arguments: argparse.Namespace) -> int:
    try:
        from k8slab.serve.command import serve
        from k8slab.serve.kept import find
        from k8slab.serve.limits import Limits
    except ImportError as error:
        raise K8sLabError(f"serving needs more than is installed ({error}): pip install 'k8slab[serve]'") from None
    asked = {
        name: getattr(arguments, name) for name in ("data_dir", "epoch", "workers", "control_planes", "seed", "cloud")
    }
    found = find(components=arguments.components.split(",") if arguments.components else None, **asked)
    options = {name: getattr(arguments, name) for name in ("bind", "expose", "port", "kubeconfig", "speed")}
    options |= {name: getattr(arguments, name) for name in ("audit_log_path", "audit_policy_file")}
    options["limits"] = Limits(arguments.max_requests_inflight, arguments.max_mutating_requests_inflight)
    return serve(found.cluster, _say, keeper=found.keeper, present=found.present, **options)


def _replay(arguments: argparse.Namespace) -> int:
    from k8slab.lab import Lab

    lab = Lab.load(arguments.journal)
    lab.kubectl("get nodes,pods -A -o wide")
    print(f"history: {lab.history.revision} revisions, digest {lab.history.digest()}")
    return 0


def _release(arguments: argparse.Namespace) -> int:
    from k8slab.course.release import release

    print(f"wrote {release(Path(arguments.exercise), Path(arguments.out))}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from k8slab.grader.selfcheck import check_exercise

    return check_exercise(Path(arguments.exercise), Path(arguments.rubrics), _say)


def _grade(arguments: argparse.Namespace) -> int:
    from k8slab.grader.batch import grade_folder

    return grade_folder(
        Path(arguments.submissions),
        Path(arguments.exercises),
        Path(arguments.rubrics),
        Path(arguments.out),
        exercise=arguments.exercise,
        workers=arguments.workers,
        timeout=arguments.timeout,
    )


def _install(arguments: argparse.Namespace) -> int:
    from k8slab.kernel.install import install

    print(f"installed the kernel 'K8s Lab' in {install(user=arguments.user)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
