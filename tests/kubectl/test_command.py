"""Reading command lines; the texts are those of kubectl 1.32."""

from __future__ import annotations

import pytest

from k8slab.kubectl.command import distance, find, parse, suggestions
from k8slab.kubectl.failure import FlagError
from k8slab.kubectl.verbs import ROOT


@pytest.mark.parametrize(
    ("line", "stderr"),
    [
        ("frobnicate", 'Error: unknown command "frobnicate" for "kubectl"\n'),
        ("gett", 'Error: unknown command "gett" for "kubectl"\n\nDid you mean this?\n\tset\n\tget\n'),
        ("get --nosuch", "Error: unknown flag: --nosuch\nSee 'kubectl get --help' for usage.\n"),
        ("get -z", "Error: unknown shorthand flag: 'z' in -z\nSee 'kubectl get --help' for usage.\n"),
        ("get pods --output", "Error: flag needs an argument: --output\nSee 'kubectl get --help' for usage.\n"),
        ("get pods -n", "Error: flag needs an argument: 'n' in -n\nSee 'kubectl get --help' for usage.\n"),
        (
            "scale --replicas=x deploy/a",
            'Error: invalid argument "x" for "--replicas" flag: strconv.ParseInt: parsing "x": invalid syntax\n'
            "See 'kubectl scale --help' for usage.\n",
        ),
        (
            "delete pod a --timeout=5",
            'Error: invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"\n'
            "See 'kubectl delete --help' for usage.\n",
        ),
        (
            "get pods --watch=maybe",
            'Error: invalid argument "maybe" for "-w, --watch" flag: '
            'strconv.ParseBool: parsing "maybe": invalid syntax\n'
            "See 'kubectl get --help' for usage.\n",
        ),
        ("--foo get", "Error: unknown flag: --foo\nSee 'kubectl --help' for usage.\n"),
        ("rollout statu", "error: unknown command \"statu\"\nSee 'kubectl rollout -h' for help and examples\n"),
        (
            "create deploymen x",
            "error: Unexpected args: [deploymen x]\nSee 'kubectl create -h' for help and examples\n",
        ),
        (
            "create cm a b",
            "error: exactly one NAME is required, got 2\nSee 'kubectl create configmap -h' for help and examples\n",
        ),
        ("scale deploy x", 'error: required flag(s) "replicas" not set\n'),
        ("drain", "error: USAGE: drain NODE [flags]\nSee 'kubectl drain -h' for help and examples\n"),
        ("taint node", "error: at least one taint update is required\n"),
        ("wait", 'error: unrecognized condition: ""\n'),
        ("patch pod", "error: must specify --patch or --patch-file containing the contents of the patch\n"),
        ("set image", "error: You must provide one or more resources by argument or filename.\n"),
        ("set env", "error: one or more resources must be specified as <resource> <name> or <resource>/<name>\n"),
        ("rollout undo", "error: required resource not specified\n"),
        ("get 'unclosed", "error: cannot read this command line: no closing quotation\n"),
    ],
)
def test_mistakes_are_told_in_kubectls_words(kubectl, line, stderr):
    result = kubectl(line)
    assert result.stderr.startswith(stderr)
    assert result.exit_code == 1
    assert result.stdout == ""


def test_words_are_taken_as_they_are_in_a_list(kubectl):
    assert (
        kubectl(["kubectl", "get", "pods", "-l", "a in (b, c)"]).stderr == "No resources found in default namespace.\n"
    )


def test_flags_may_stand_before_the_verb():
    command, path, rest = find(ROOT, ["-n", "shop", "rollout", "--timeout", "5s", "status", "deploy/web"])
    assert (command.name, path) == ("status", "kubectl rollout status")
    parsed = parse(command, path, rest)
    assert parsed.flags["namespace"] == "shop"
    assert parsed.flags["timeout"] == "5s"
    assert parsed.args == ["deploy/web"]


def test_values_of_flags():
    command, path, rest = find(ROOT, ["get", "pods", "-Aowide", "-L", "a,b", "-L=c", "--watch=false", "--", "-x"])
    parsed = parse(command, path, rest)
    assert parsed.flags["all-namespaces"] is True
    assert parsed.flags["output"] == "wide"
    assert parsed.flags["label-columns"] == ["a", "b", "c"]
    assert parsed.flags["watch"] is False
    assert (parsed.args, parsed.dash) == (["pods", "-x"], 1)


def test_a_flag_without_its_value_takes_what_is_implied():
    command, path, rest = find(ROOT, ["create", "cm", "x", "--dry-run"])
    assert parse(command, path, rest).flags["dry-run"] == "unchanged"


def test_bad_flag_syntax():
    command, path, rest = find(ROOT, ["get", "--=x"])
    with pytest.raises(FlagError, match="bad flag syntax: --=x"):
        parse(command, path, rest)


def test_suggestions_are_near_or_begin_alike():
    assert suggestions(ROOT, "aply") == ["apply"]
    assert "describe" in suggestions(ROOT, "desc")
    assert suggestions(ROOT, "zzzzzz") == []
    assert distance("kitten", "sitting") == 3


def test_every_command_has_help(kubectl):
    def walk(command, path):
        text = kubectl(f"{path} --help").stdout
        assert command.usage in text
        assert text.startswith(command.about)
        for child in command.commands:
            walk(child, f"{path} {child.name}".strip())

    walk(ROOT, "")


def test_groups_without_a_subcommand_show_help_and_fail(kubectl):
    result = kubectl("rollout")
    assert "Available Commands:\n  history" in result.stdout
    assert result.exit_code == 1
    assert kubectl("").exit_code == 0
