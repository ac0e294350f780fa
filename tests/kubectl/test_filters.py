"""Filters behind `|`, and what is no filter."""

from __future__ import annotations

import pytest

from k8slab.kubectl.filters import commands, filtered

TEXT = "NAME   READY\nweb-1  1/1\nweb-2  0/1\ndb-0   1/1\ndb-0   1/1\n"


@pytest.mark.parametrize(
    ("pipe", "wanted", "code"),
    [
        ("grep web", "web-1  1/1\nweb-2  0/1\n", 0),
        ("grep -v web", "NAME   READY\ndb-0   1/1\ndb-0   1/1\n", 0),
        ("grep -ic WEB", "2\n", 0),
        ("grep nosuch", "", 1),
        ("grep -F 0/1", "web-2  0/1\n", 0),
        ("grep 'db\\|web-2'", "web-2  0/1\ndb-0   1/1\ndb-0   1/1\n", 0),
        ("head -2", "NAME   READY\nweb-1  1/1\n", 0),
        ("tail -n 1", "db-0   1/1\n", 0),
        ("tail -n +5", "db-0   1/1\n", 0),
        ("tail -n +2 | sort -u", "db-0   1/1\nweb-1  1/1\nweb-2  0/1\n", 0),
        ("sort -rk2 | head -n 1", "NAME   READY\n", 0),
        ("uniq -c | tail -1", "      2 db-0   1/1\n", 0),
        ("wc -l", "5\n", 0),
    ],
)
def test_filters(pipe: str, wanted: str, code: int) -> None:
    assert filtered(TEXT, commands(f"get pods | {pipe}")[1:]) == (wanted, code)


def test_only_a_bare_bar_is_a_pipe() -> None:
    assert commands("get pods -o jsonpath='{.a|b}'") == [["get", "pods", "-o", "jsonpath={.a|b}"]]
    assert commands("get pods -l a=b|grep x") == [["get", "pods", "-l", "a=b"], ["grep", "x"]]


def test_a_pipe_of_a_command(kubectl) -> None:
    assert kubectl("get namespaces -o name | grep system").stdout == "namespace/kube-system\n"
    refused = kubectl("get pods | awk '{print $1}'")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: awk: not understood behind kubectl, for there is no shell here")
    assert "redirection" in kubectl("get pods | sort > file").stderr
    assert kubectl("get nosuch | wc -l").stderr == 'error: the server doesn\'t have a resource type "nosuch"\n'


def test_a_command_is_a_text(kubectl) -> None:
    assert kubectl(None).stderr == "error: a command is a text such as 'get pods', not NoneType\n"
