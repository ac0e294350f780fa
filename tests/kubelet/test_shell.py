"""The shell in containers: what scripts do, when, and how they end."""

import pytest

from k8slab.kubelet.shell import Shell, ShellSyntaxError, endless, parse
from k8slab.sim.clock import SECOND


def run(script, seconds=3600, env=None, files=None, **options):
    return Shell(env or {}, files or {}, seconds * SECOND, **options).run(parse(script))


def lines(outcome):
    return [value for _, kind, value, _ in outcome.effects if kind == "log"]


def test_sleep_then_exit():
    outcome = run("sleep 5; exit 1")
    assert outcome.code == 1
    assert 5 * SECOND <= outcome.exit_at < 5.1 * SECOND


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("for i in 1 2 3; do echo n $i; done", ["n 1", "n 2", "n 3"]),
        ("i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; echo end", ["0", "1", "2", "end"]),
        ("until [ -f /x ]; do touch /x; echo made; done", ["made"]),
        ('if [ -z "$A" ]; then echo no; elif true; then echo b; else echo c; fi', ["no"]),
        ("false || echo or; true && echo and; ! false && echo not", ["or", "and", "not"]),
        ("echo a b | wc -w", ["2"]),
        ('x=$(seq 1 3); echo "$x"', ["1", "2", "3"]),
        ("case web-1 in db*) echo d;; web*|www) echo w;; esac", ["w"]),
        ("f() { echo $1-$2; return 3; }; f a b; echo $?", ["a-b", "3"]),
        ("echo ${A:-none} ${B:-x y} ${#C}", ["none x y 3"]),
        ("f=/a/b.tar.gz; echo ${f##*/} ${f%%.*}", ["b.tar.gz /a/b"]),
        ("echo hidden > /dev/null; echo shown 2>&1; cat /nope 2>/dev/null; echo $?", ["shown", "1"]),
        ("printf '%s=%d\\n' a 5", ["a=5"]),
        ("echo one >> /f; echo two >> /f; grep -c o /f; tail -n 1 /f", ["2", "two"]),
        ("set -e; false; echo never", []),
        ("(exit 3); echo $?", ["3"]),
        ("nosuch", ["sh: nosuch: not found"]),
        ("echo 'x # y' # comment\necho z", ["x # y", "z"]),
    ],
)
def test_language(script, wanted):
    assert lines(run(script, env={"C": "abc"})) == wanted


def test_exit_codes():
    assert run("nosuch").code == 127
    assert run("set -e; false; true").code == 1
    assert run("exit 256").code == 0


def test_times_of_log_lines():
    outcome = run("echo a; sleep 10; echo b")
    times = [at for at, kind, _, _ in outcome.effects if kind == "log"]
    assert times[1] - times[0] >= 10 * SECOND


def test_endless_loop_stops_at_the_limit_and_can_be_seen_without_running():
    script = "while true; do date; sleep 1; done"
    outcome = run(script, seconds=5)
    assert outcome.exit_at is None
    assert len(lines(outcome)) == 5
    assert endless(parse(script))
    assert not endless(parse("while true; do sleep 1; break; done"))


def test_busy_loop_ends_with_the_budget():
    outcome = run("while true; do echo x; done", max_steps=1000)
    assert outcome.exit_at is None
    assert outcome.again_at > 0


def test_doubling_a_variable_does_not_eat_memory():
    outcome = run("x=aaaaaaaa; while true; do x=$x$x; done")
    assert outcome.code == 2
    assert "out of memory" in lines(outcome)[-1]


@pytest.mark.parametrize("expression", ["9**9**9", "1<<99999999999999", "__import__", "().__class__"])
def test_arithmetic_is_only_arithmetic(expression):
    outcome = run(f"echo $(({expression}))")
    assert outcome.code == 2 or lines(outcome) in (["0"], [])


def test_trap_runs_on_term():
    script = "trap 'echo bye; exit 7' TERM; while true; do sleep 1; done"
    outcome = run(script, term_at=int(7.5 * SECOND))
    assert outcome.code == 7
    assert lines(outcome) == ["bye"]
    assert 7.5 * SECOND <= outcome.exit_at < 9 * SECOND


def test_background_and_wait():
    outcome = run("sleep 10 & sleep 3 & wait; echo done")
    assert 10 * SECOND <= outcome.exit_at < 10.1 * SECOND


def test_questions_to_the_outside_are_remembered():
    asked = []

    def ask(kind, target):
        asked.append(target)
        return (200, "hello\n") if len(asked) > 2 else (0, "")

    answers = []
    script = "until wget -q -O- http://web:80/; do echo waiting; sleep 2; done"
    first = run(script, answers=answers, ask=ask)
    again = run(script, answers=answers, ask=ask)
    assert lines(first) == lines(again)
    assert lines(first)[-1] == "hello"
    assert len(asked) == 3


def test_the_future_cannot_be_asked():
    outcome = run("sleep 5; wget -q -O- web", ask=print, asking_until=SECOND)
    assert outcome.exit_at is None
    assert outcome.again_at >= 5 * SECOND


def test_init_container_of_online_boutique():
    script = """
MAX_RETRIES=12
for i in $(seq 1 $MAX_RETRIES); do
  echo "Attempt $i: Pinging frontend: ${FRONTEND_ADDR}..."
  STATUSCODE=$(wget --server-response http://${FRONTEND_ADDR} 2>&1 | awk '/^  HTTP/{print $2}')
  if [ $STATUSCODE -eq 200 ]; then
      echo "Frontend is reachable."
      exit 0
  fi
  sleep 10
done
exit 1
"""
    good = run(script, env={"FRONTEND_ADDR": "frontend:80"}, ask=lambda *_: (200, "ok"))
    assert good.code == 0
    assert lines(good)[-1] == "Frontend is reachable."
    bad = run(script, env={"FRONTEND_ADDR": "frontend:80"}, ask=lambda *_: (0, ""))
    assert bad.code == 1
    assert bad.exit_at >= 120 * SECOND


@pytest.mark.parametrize("script", ["echo 'a", "if true; then", "for i in 1; done", "while; do", "a | | b", ")"])
def test_syntax_errors(script):
    with pytest.raises(ShellSyntaxError):
        parse(script)


def test_pi_of_the_documentation():
    outcome = run("perl -Mbignum=bpi -wle 'print bpi(50)'")
    assert lines(outcome) == ["3.1415926535897932384626433832795028841971693993751"]
