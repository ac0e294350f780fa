"""The terminal's line discipline, and shells that read what is typed."""

from k8slab.kubelet.commandline import command_node
from k8slab.kubelet.process import Process
from k8slab.kubelet.program import Program
from k8slab.kubelet.shell.console import EOF, INTERRUPT, TEXT, Terminal
from k8slab.sim.clock import SECOND, Clock


class Typist:
    """A process at a terminal or a pipe, on a clock of its own."""

    def __init__(self, *argv: str, tty: bool = True, **options) -> None:
        self.clock = Clock()
        node = command_node(list(argv))
        self.process = Process(Program(), 0, 0, node, clock=self.clock, stdin=True, tty=tty, **options)
        self.clock.run_for(SECOND)

    def type(self, text: str, seconds: float = 1) -> str:
        before = len(self.output())
        self.process.type(text, self.clock.now)
        self.clock.run_for(int(seconds * SECOND))
        return self.output()[before:]

    def output(self) -> str:
        now = self.clock.now
        return "".join(value for at, kind, value in self.process.events(now) if kind in ("out", "err") and at <= now)

    @property
    def ending(self) -> tuple[int | None, int]:
        story = self.process.story(self.clock.now)
        return story.exit_at, story.code


def test_keys_become_lines() -> None:
    terminal = Terminal()
    arrivals = terminal.type("lx\x7fs\r", 5)
    assert "".join(each.echo for each in arrivals) == "lx\b \bs\n"
    assert [each.text for each in arrivals if each.text] == ["ls\n"]
    assert [(each.kind, each.echo) for each in terminal.type("ab\x15\x03", 6)][-1] == (INTERRUPT, "^C")
    assert [each.kind for each in terminal.type("\x04", 7)] == [EOF]
    assert [(each.kind, each.text) for each in terminal.type("x\x04", 8)][-1] == (TEXT, "x")


def test_escape_sequences_are_swallowed_also_in_pieces() -> None:
    terminal = Terminal()
    arrivals = [*terminal.type("a\x1b[", 0), *terminal.type("Db\x1b[1;5C\r", 1)]
    assert [each.text for each in arrivals if each.text] == ["ab\n"]


def test_a_shell_prompts_and_answers() -> None:
    shell = Typist("sh")
    assert shell.output() == "/ # "
    assert shell.type("echo $((1+1))\r") == "echo $((1+1))\n2\n/ # "
    assert shell.type("if true; then\r") == "if true; then\n> "
    assert shell.type("echo yes; fi\r") == "echo yes; fi\nyes\n/ # "
    assert shell.type("echo )\r").startswith("echo )\nsh: syntax error")
    assert (
        shell.type("mkdir -p /data/x; cd /data; pwd; ls\r") == "mkdir -p /data/x; cd /data; pwd; ls\n/data\nx\n/data # "
    )
    assert shell.ending == (None, 0)
    shell.type("exit 3\r")
    assert shell.ending[1] == 3


def test_bash_shows_who_and_where() -> None:
    shell = Typist("bash", env={"HOSTNAME": "web-0"})
    assert shell.output() == "root@web-0:/# "
    assert shell.type("\x04") == "exit\n"


def test_control_c_ends_the_command_and_control_d_the_shell() -> None:
    shell = Typist("sh")
    assert shell.type("sleep 1000; echo never\r", 5).endswith("sleep 1000; echo never\n")
    assert shell.type("\x03") == "^C\n/ # "
    assert shell.type("echo $?\r") == "echo $?\n130\n/ # "
    assert shell.type("half a line\x03") == "half a line^C\n/ # "
    assert shell.type("\x04") == "\n"
    assert shell.ending[0] is not None


def test_control_c_ends_a_command_without_a_shell() -> None:
    sleeper = Typist("sleep", "100")
    sleeper.type("\x03")
    assert sleeper.ending[1] == 130


def test_what_is_typed_ahead_waits_for_its_turn() -> None:
    shell = Typist("sh")
    shell.type("sleep 5; echo first\r", 1)
    assert shell.type("echo second\r", 1) == "echo second\n"
    shell.clock.run_for(10 * SECOND)
    assert shell.output().endswith("first\n/ # second\n/ # ")


def test_a_pipe_has_no_prompt_and_one_end() -> None:
    shell = Typist("sh", tty=False)
    assert shell.type("read name\nanna\necho hello $name\n") == "hello anna\n"
    assert shell.type("for i in 1 2\ndo echo $i\n") == ""
    assert shell.type("done; false\n") == "1\n2\n"
    shell.process.end_input(shell.clock.now)
    shell.clock.run_for(SECOND)
    assert shell.ending == (shell.ending[0], 1)
    assert shell.ending[0] is not None


def test_cat_copies_lines_as_they_come() -> None:
    cat = Typist("cat", tty=False)
    assert cat.type("one\ntw") == "one\n"
    assert cat.type("o\n") == "two\n"


def test_the_window_has_a_size() -> None:
    shell = Typist("sh")
    shell.process.resize(50, 132, shell.clock.now)
    assert shell.type("stty size\r") == "stty size\n50 132\n/ # "


def test_a_pipe_inside_reads_its_own_input() -> None:
    shell = Typist("sh", tty=False)
    assert shell.type("printf 'b\\na\\n' | cat | wc -l\necho still here\n") == "2\nstill here\n"


def test_outputs_go_where_they_are_sent() -> None:
    shell = Typist("sh", "-c", "echo a >&2; cat /none 2>&1 | wc -l; x=$(echo b >&2; echo c); echo $x > /f 2>&1; cat /f")
    kinds = [(kind, value) for _, kind, value in shell.process.events(SECOND) if kind in ("out", "err")]
    assert kinds == [("err", "a\n"), ("out", "1\n"), ("err", "b\n"), ("out", "c\n")]
