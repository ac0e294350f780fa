"""The demo as one self-contained HTML file: text, pictures and tables, no scripts, nothing fetched."""

from __future__ import annotations

from html import escape

from k8slab.demo.story import Chapter, Story
from k8slab.lab import Display

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --code: #f4f5f7; --line: #d9dce1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6ea; --paper: #17181b; --code: #222428; --line: #3a3d43; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.25rem; margin-top: 2.4rem; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem;
      overflow-x: auto; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
figure { margin: 1.2rem 0; overflow-x: auto; }
footer { margin-top: 3rem; font-size: .85rem; opacity: .75; }
"""


def report(story: Story, title: str) -> str:
    """The told story as an HTML page."""
    parts = [_chapter(chapter) for chapter in story.chapters]
    lab = story.lab
    foot = f"Simulated by k8slab with seed {lab.cluster.seed}; history {lab.history.digest()[:16]}."
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n{''.join(parts)}<footer>{escape(foot)}</footer></body></html>\n"
    )


def _chapter(chapter: Chapter) -> str:
    return f"<h2>{escape(chapter.title)}</h2>\n" + "".join(map(_part, chapter.parts))


def _part(part: str | Display) -> str:
    if isinstance(part, str):
        return f"<pre>{escape(part.strip())}</pre>\n"
    return f"<figure>{part.html}</figure>\n"
