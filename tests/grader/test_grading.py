"""Grades are honest: the reference gets all, the untouched none, cheats nothing, and every submission a verdict."""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

import pytest

pytest.importorskip("papermill")

from k8slab.course.release import ReleaseError, release, release_notebook, strip_solution
from k8slab.grader import jail
from k8slab.grader.batch import Settings, grade_folder, grade_one
from k8slab.grader.result import Result
from k8slab.grader.rubric import RubricError, load_rubrics
from k8slab.grader.selfcheck import check_exercise
from k8slab.grader.session import Session, Template
from k8slab.grader.submission import Submission, Unreadable, exercise_of, read

ROOT = Path(__file__).parents[2]
EXERCISES, RUBRICS = ROOT / "exercises", ROOT / "grading"
REFERENCE = json.loads((EXERCISES / "self-healing" / "exercise.ipynb").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def template():
    with Template() as running:
        yield running


@pytest.fixture
def settings(tmp_path):
    for name in ("feedback", "executed"):
        (tmp_path / name).mkdir()
    return Settings(EXERCISES, tmp_path, load_rubrics(RUBRICS), "self-healing", timeout=30)


def notebook(*cells: str, base: dict = REFERENCE) -> dict:
    made = [{"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source} for n, source in enumerate(cells)]
    return {**base, "cells": made}


def reference_cells() -> list[str]:
    return ["".join(cell["source"]) for cell in REFERENCE["cells"] if cell["cell_type"] == "code"]


def grade(template, settings, content) -> Result:
    path = settings.out / "submission.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return grade_one(Submission("someone", path), settings, template)


@pytest.mark.parametrize("exercise", sorted(path.parent.name for path in EXERCISES.glob("*/exercise.ipynb")))
def test_reference_gets_all_points_and_the_untouched_exercise_none(exercise):
    lines: list[str] = []
    assert check_exercise(EXERCISES / exercise, RUBRICS, lines.append) == 0, "\n".join(lines)


def test_a_crash_costs_only_what_depends_on_it(template, settings):
    cells = reference_cells()
    result = grade(template, settings, notebook(*cells[:3], "import os; os._exit(3)", *cells[3:]))
    assert result.verdict == "crashed"
    assert "cell 4 (crashed)" in result.message
    assert result.score == result.max_score
    page = (settings.out / result.feedback).read_text(encoding="utf-8")
    assert "ended the process" in page


def test_an_endless_loop_is_stopped(template, settings):
    quick = settings._replace(timeout=6)
    stubborn = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    result = grade(template, quick, notebook(stubborn, 'manifest = "x: ["'))
    assert (result.verdict, result.score) == ("timeout", 0)
    assert "took too long" in (settings.out / "executed/someone.ipynb").read_text(encoding="utf-8")


def test_memory_is_limited(template, settings):
    result = grade(template, settings, notebook("hoard = bytearray(20 * 2**30)"))
    assert result.verdict == "memory"


CHEATS = {
    "equal to everything": "class E(str):\n    __eq__ = lambda s, o: True\nmanifest = fast_manifest = E('x')\n"
    "eviction_seconds = type('F', (float,), {'__le__': lambda s, o: True, '__ge__': lambda s, o: True})(1)",
    "own check": "import k8slab.course.check as c\nc.Case.expect = lambda *a: None\nc.Check.run = lambda *a: 1/0",
    "forged journal": "import k8slab.cluster.cluster as m\nm.Cluster.dump_journal = lambda self: 'nonsense'\n"
    "from k8slab import Lab\nlab = Lab(workers=1)",
    "read the rubric": f"print(open({str(RUBRICS / 'self-healing/checks.py')!r}).read())",
    "read the solution": f"print(open({str(EXERCISES / 'self-healing/exercise.ipynb')!r}).read())",
    "look into memory": "import gc, sys\nprint('LEAK' if any('replaced_quickly' in str(type(o)) + str(getattr(o, "
    "'__name__', '')) for o in gc.get_objects()) or 'k8slab.grader.rubric' in sys.modules else 'nothing')",
    "status by hand": "from k8slab import Lab\nlab = Lab(workers=0)\n"
    "lab.kubectl('create deployment web --image=nginx --replicas=5')\n"
    "lab.client.patch('deployments', 'web', {'status': {'readyReplicas': 5}}, 'default', subresource='status')",
    "huge number": "manifest = 'x' * 10**7\neviction_seconds = 10**400\nfast_manifest = [[]] * 10**5",
}


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_gain_nothing(template, settings, name):
    result = grade(template, settings, notebook(CHEATS[name]))
    assert result.score == 0, [test for test in result.tests if test["score"]]
    executed = (settings.out / "executed/someone.ipynb").read_text(encoding="utf-8")
    assert "three_copies_run" not in executed
    assert "BEGIN SOLUTION" not in executed
    assert '"LEAK' not in executed


def test_pods_made_ready_by_hand_do_not_count(template, settings):
    forged = """
from k8slab import Lab
lab = Lab(workers=1, components=["kube-apiserver"])
lab.kubectl("create deployment web --image=nginx --replicas=5")
for n in range(5):
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": f"p{n}", "namespace": "default", "labels": {"app": "web"}},
           "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    lab.apply(pod)
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    lab.client.patch("pods", f"p{n}", {"status": status}, "default", subresource="status")
"""
    result = grade(template, settings, notebook(forged))
    assert result.score == 0


def test_absurd_manifests_cost_the_grader_little(template, settings):
    absurd = "manifest = '''" + GOOD.replace("replicas: 3", "replicas: 2000000") + "'''"
    result = grade(template, settings._replace(check_seconds=3), notebook(absurd))
    assert result.score == 0
    assert result.verdict == "graded"


GOOD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.29"}]}
"""

WRONG = {
    "a bare Pod": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: w, image: nginx}]}",
        "after 3 minutes 1 are ready",
    ),
    "two replicas": (GOOD.replace("replicas: 3", "replicas: 2"), "after 3 minutes 2 are ready"),
    "another image": (GOOD.replace("nginx:1.29", "redis:7.4"), "should run nginx"),
    "an unknown field": (GOOD.replace("replicas", "replica"), 'unknown field "spec.replica"'),
    "broken YAML": ("apiVersion: [", "yaml"),
    "nothing": ("", "there is no answer yet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_get_a_reason(template, settings, name):
    manifest, reason = WRONG[name]
    result = grade(template, settings, notebook(f"manifest = {manifest!r}"))
    test = next(test for test in result.tests if test["name"] == "three_copies_run")
    assert (test["score"], result.score) == (0, 0)
    assert reason in test["output"]


def test_noise_and_lost_metadata_do_not_matter(template, settings):
    noisy = "import sys, warnings\nprint('x' * 10**7)\nwarnings.warn('careful')\nprint('!', file=sys.stderr)"
    content = notebook(noisy, f"manifest = {GOOD!r}", f"manifest = {GOOD!r}", "input()")
    content["metadata"] = {}
    result = grade(template, settings, content)
    assert result.score == 6, [test["output"] for test in result.tests]


BROKEN = {
    "empty": b"",
    "cut": json.dumps(REFERENCE).encode()[:500],
    "a list": b"[1, 2]",
    "deep": b"[" * 200_000,
    "bytes": b"\xff\xfe\x00",
    "no cells": b'{"cells": 5}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_unreadable_submissions_get_a_verdict(template, settings, name):
    result = grade(template, settings, BROKEN[name])
    assert (result.verdict, result.score) == ("unreadable", 0)
    assert result.message


def test_links_and_other_exercises_are_refused(tmp_path):
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable, match="ordinary file"):
        read(tmp_path / "link.ipynb")
    assert exercise_of({"metadata": {"k8slab": {}}, "cells": [{"cell_type": "code", "source": 'Exercise("x")'}]}) == "x"


def test_old_and_odd_notebooks_are_read(tmp_path):
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["a = 1\n", "\0b = 2"]}]}]}
    (tmp_path / "old.ipynb").write_text(json.dumps(old))
    assert read(tmp_path / "old.ipynb")[0]["cells"][0]["source"] == "a = 1\nb = 2"


def test_a_folder_with_bad_ones_among_the_good(tmp_path, capsys):
    submissions = tmp_path / "in"
    (submissions / "ada").mkdir(parents=True)
    (submissions / "ada" / "exercise.ipynb").write_text(json.dumps(REFERENCE), encoding="utf-8")
    (submissions / "empty.ipynb").write_bytes(b"")
    (submissions / "=cmd.ipynb").write_text(json.dumps(notebook("import os; os._exit(1)")), encoding="utf-8")
    assert grade_folder(submissions, EXERCISES, RUBRICS, tmp_path / "out", workers=2, timeout=30) == 0
    rows = list(csv.DictReader((tmp_path / "out/grades.csv").open(encoding="utf-8")))
    verdicts = {row["student_id"]: (row["verdict"], float(row["score"])) for row in rows}
    assert verdicts == {"ada": ("graded", 10), "empty": ("unreadable", 0), "cmd": ("crashed", 0)}
    results = json.loads((tmp_path / "out/grades.json").read_text(encoding="utf-8"))["results"]
    assert {one["learner"] for one in results} == set(verdicts)
    for learner in verdicts:
        page = (tmp_path / f"out/feedback/{learner}.html").read_text(encoding="utf-8")
        assert "points" in page and "<script" not in page
    assert "grading: 100%" in capsys.readouterr().err


def test_the_jail_holds(template, tmp_path):
    session = Session(template, 20)
    probe = f"""
import os, socket
def tried(act):
    try:
        act()
        return "done"
    except BaseException as error:
        return type(error).__name__
print(tried(lambda: open({str(ROOT / "README.md")!r}).read()), tried(lambda: os.listdir({str(ROOT)!r})),
      tried(lambda: open({str(tmp_path / "x")!r}, "w")), tried(os.fork), tried(lambda: os.system("ls") and 1 / 0),
      tried(lambda: socket.create_connection(("127.0.0.1", 1), 1)), dict(os.environ).get("SECRET"))
"""
    os.environ["SECRET"] = "no"
    try:
        answer = session.run(1, probe)
    finally:
        del os.environ["SECRET"]
        session.close()
    if session.tier == "process":
        pytest.skip("this machine offers neither Landlock nor a system-call filter")
    words = answer["outputs"][0]["text"].split()
    assert words[:4] == ["PermissionError"] * 4
    assert words[-1] == "None"
    assert "done" not in words[:5]
    assert session.tier in jail.TIERS


def test_no_process_is_left_behind(template):
    session = Session(template, 20)
    session.run(1, "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()")
    pid = session._pid
    session.close()
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    pytest.fail("the worker lives on")


def test_solutions_never_slip_into_a_release(tmp_path):
    released = release_notebook(REFERENCE)
    text = json.dumps(released)
    assert "BEGIN SOLUTION" not in text and "tolerationSeconds: 20" not in text
    assert text.count("YOUR CODE HERE") == 4
    with pytest.raises(ReleaseError, match="cell 3"):
        strip_solution("### BEGIN SOLUTION\nx = 1\n", "cell 3")
    path = release(EXERCISES / "self-healing", tmp_path)
    path.write_text("my work")
    assert release(EXERCISES / "self-healing", tmp_path).read_text() == "my work"
    assert (path.parent / "checks.py").is_file()


def test_rubrics_are_checked(tmp_path):
    with pytest.raises(RubricError, match="cannot read"):
        load_rubrics(tmp_path)
    (tmp_path / "course.toml").write_text('[exercises.x]\nanswers = ["not a name"]\n')
    with pytest.raises(RubricError, match="list of Python names"):
        load_rubrics(tmp_path)
    (tmp_path / "course.toml").write_text("[exercises.x]\n")
    with pytest.raises(RubricError, match="has no checks"):
        load_rubrics(tmp_path)


def test_odd_texts_and_names_keep_nobody_from_a_grade(tmp_path):
    submissions = tmp_path / "in"
    long = submissions / ("x" * 200)
    long.mkdir(parents=True)
    for name in ("a", "b"):
        (long / f"{name * 200}.ipynb").write_bytes(b"{}")
    (submissions / "anna").mkdir()
    for path in ("anna/x.ipynb", "anna-2.ipynb", "Anna.ipynb"):
        (submissions / path).write_bytes(b"")
    odd = {"metadata": {"k8slab": {"exercise": "\ud800\x1b[31m"}}, "cells": [{"cell_type": "code", "source": "\ud800"}]}
    (submissions / "odd.ipynb").write_text(json.dumps(odd))
    printed = notebook("print(chr(0xd800), chr(27))", f"manifest = {GOOD!r}", "1 / 0")
    (submissions / "printed.ipynb").write_text(json.dumps(printed))
    assert grade_folder(submissions, EXERCISES, RUBRICS, tmp_path / "out", timeout=30) == 0
    results = json.loads((tmp_path / "out/grades.json").read_text(encoding="utf-8"))["results"]
    assert len({one["learner"].casefold() for one in results}) == len(results) == 7
    assert len(list((tmp_path / "out/feedback").iterdir())) == 7
    scores = {one["learner"]: one["score"] for one in results}
    assert scores["printed"] == 6
    page = (tmp_path / "out/feedback/printed.html").read_text(encoding="utf-8")
    assert "Cell 3 ended with ZeroDivisionError: division by zero" in page


def test_a_worker_that_lies_costs_the_supervisor_little():
    from k8slab.grader.session import MAX_OUTPUT, _outputs

    flood = {"output_type": "stream", "name": "stdout", "text": "x" * (MAX_OUTPUT // 2)}
    nested = {"output_type": "display_data", "data": {"text/html": [[["x"]]], "text/plain": "y"}}
    kept = _outputs({"outputs": [nested, 5, {"output_type": "odd"}, flood, flood, flood]})
    assert kept[0]["data"] == {"text/plain": "y"}
    assert sum(len(str(one)) for one in kept) < 1.2 * MAX_OUTPUT


def test_a_template_that_died_is_replaced():
    with Template() as running:
        running._process.kill()
        running._process.wait()
        session = Session(running, 20)
        assert session.run(1, "1 + 1")["status"] == "ok"
        session.close()


def test_journals_of_what_only_components_do_are_refused():
    from k8slab.grader.judge import parse_journal
    from k8slab.sim.journal import JournalError

    setup = '{"time":0,"kind":"setup","workers":1,"control_planes":1,"seed":1}\n'
    for line, words in (
        ('{"time":0,"kind":"request","verb":"create","resource":"leases"}', "by hand"),
        ('{"time":0,"kind":"request","verb":"update","resource":"pods","subresource":"status"}', "by hand"),
        ('{"time":0,"kind":"request","verb":"create","resource":"nodes","body":{"status":{}}}', "by hand"),
        ('{"time":0,"kind":"request","verb":"create","resource":"pods","user":{"name":"x"}}', "somebody else"),
        ('{"time":0,"kind":"advance","until":100000000000000000}', "more than a month"),
    ):
        with pytest.raises(JournalError, match=words):
            parse_journal(setup + line)
