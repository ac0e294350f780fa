"""The page that a learner gets back: points, reasons, what to look at, and pictures. Self-contained, no scripts."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from k8slab.grader.result import Result

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}: {{ result.learner }}</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5b616b; --paper: #fff; --card: #f6f7f9; --line: #d9dce1;
        --good: #00795a; --bad: #b34700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6ea; --soft: #a6acb6; --paper: #17181b; --card: #222428;
        --line: #3a3d43; --good: #35c79b; --bad: #ff9a57; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 52rem;
       margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0; } .soft { color: var(--soft); }
.score { font-size: 2.2rem; font-weight: 700; margin: 1rem 0 .2rem; }
.bar { height: .6rem; background: var(--line); border-radius: 1rem; overflow: hidden; }
.bar div { height: 100%; background: var(--good); }
article { border: 1px solid var(--line); border-left: 5px solid var(--good); border-radius: 6px;
          background: var(--card); padding: .7rem 1rem; margin: .9rem 0; }
article.failed { border-left-color: var(--bad); }
article header { display: flex; justify-content: space-between; gap: 1rem; font-weight: 600; }
article p { margin: .5rem 0 0; } figure { margin: .9rem 0 0; overflow-x: auto; background: var(--paper); }
.note { border: 1px solid var(--bad); border-radius: 6px; padding: .7rem 1rem; margin: 1.2rem 0;
        white-space: pre-wrap; }
footer { margin-top: 2.5rem; font-size: .82rem; color: var(--soft); overflow-wrap: anywhere; }
</style></head><body>
<h1>{{ title }}</h1><div class="soft">{{ result.learner }}</div>
<div class="score">{{ "%g" % result.score }} of {{ "%g" % result.max_score }} points</div>
<div class="bar" role="img" aria-label="{{ percent }} percent"><div style="width:{{ percent }}%"></div></div>
{% if result.verdict != "graded" %}<p class="note"><b>{{ heading }}</b>
{{ result.message }}</p>{% endif %}
{% for flag in result.flags %}<p class="note">{{ flag }}</p>{% endfor %}
{% for test in result.tests %}
<article class="{{ test.status }}">
<header><span>{{ "✓" if test.status == "passed" else "✗" }} {{ test.title }}</span>
<span>{{ "%g" % test.score }} / {{ "%g" % test.max_score }}</span></header>
{% if test.status != "passed" %}<p>{{ test.output }}</p>
{% if test.hint %}<p><b>What to look at:</b> {{ test.hint }}</p>{% endif %}
{% if test.picture %}
<details open><summary>The cluster at that moment</summary><figure>{{ picture(test) }}</figure></details>
{% endif %}
{% endif %}
</article>
{% endfor %}
<footer>Checked with seed {{ result.seed }}, isolation {{ result.isolation or "none needed" }}.
Submission {{ result.submission_sha256[:16] }}, rubric {{ result.rubric_sha256[:16] }}.</footer>
</body></html>
"""

_HEADINGS = {
    "unreadable": "This notebook could not be read.",
    "timeout": "A cell took too long and was stopped.",
    "memory": "A cell needed too much memory and was stopped.",
    "crashed": "A cell ended the process that ran the notebook.",
    "error": "This notebook could not be graded.",
}


def page(result: Result, title: str) -> str:
    """The feedback page of one result; everything that comes from a learner is escaped."""
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    percent = round(100 * result.score / result.max_score) if result.max_score else 0
    heading = _HEADINGS.get(result.verdict, "")
    return template.render(result=result, title=title, percent=percent, heading=heading, picture=_picture)


def _picture(test: dict[str, Any]) -> Markup:
    # The board's HTML is made by the supervisor from cluster objects, whose texts the view escapes.
    return Markup(test["picture"])
