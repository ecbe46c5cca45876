"""How Sphinx builds this manual. With ``pip install -e '.[docs]'``, and nothing else, run::

    python3 -m sphinx -W --keep-going -b html docs docs/_build/html

Nothing here asks the network.
"""

import builtins
import inspect
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.environment import BuildEnvironment
from sphinx.highlighting import PygmentsBridge
from sphinx.roles import XRefRole
from sphinx.util.typing import stringify_annotation

import hcpsdk
from hcpsdk._request.body import Content
from hcpsdk._request.headers import Headers
from hcpsdk._request.url import Params

project = "hcpsdk"
author = "the hcpsdk contributors"
copyright = "the hcpsdk contributors, MIT license"
release = version = hcpsdk.version()

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_templates"]
default_role = "name"  # `Connection` in docstrings and on pages is a link, see below
highlight_language = "none"  # a block says itself what it is
pygments_style = "default"  # its colours have contrast enough on --code
dark_pygments_style = "github-dark"
toc_object_entries = False

# Every link within the manual has to lead somewhere. Python's own names are not part of it.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(asyncio|collections|concurrent|datetime|enum|http|ipaddress)(\..*)?"),
    (r"py:.*", r"(os|pathlib|ssl|threading|typing)(\..*)?"),
    (r"py:.*", "HcpsdkStatusError"),  # until there is one
    (r"py:.*", "|".join([*dir(builtins), "TypeError, ValueError", "OrderedDict"])),
]

# The reference is made from the docstrings.
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 72
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False

# Types that are too long to be read in a signature; api/hcpsdk.rst tells what they are.
UNIONS = {
    stringify_annotation(union, "smart"): name
    for name, union in (("Content", Content), ("Params", Params), ("Headers", Headers))
}

html_theme = "alabaster"
html_title = f"hcpsdk {release}"
html_short_title = "hcpsdk"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_copy_source = False
html_show_sphinx = False
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html", "relations.html"]}

# All colours are variables, and stand in _static/custom.css, once for light and once for dark.
html_theme_options = {
    "description": "Python client library for the Hitachi Content Platform",
    "page_width": "1240px",
    "body_max_width": "auto",
    "sidebar_width": "250px",
    "font_family": "var(--text-font)",
    "head_font_family": "var(--head-font)",
    "code_font_family": "var(--code-font)",
    "font_size": "17px",
    "show_relbar_bottom": True,
    **{
        option: f"var(--{variable})"
        for variable, options in {
            "background": "base_bg body_bg footnote_bg",
            "text": "base_text body_text sidebar_list code_text",
            "quiet": "gray_1 footer_text sidebar_text sidebar_header sidebar_link",
            "faint": "gray_2 anchor",
            "line": "gray_3 hr_border table_border sidebar_hr sidebar_link_underscore "
            "sidebar_search_button relbar_border note_border tip_border hint_border "
            "seealso_border important_border admonition_border footnote_border",
            "link": "link",
            "link-hover": "link_hover",
            "card": "note_bg tip_bg hint_bg seealso_bg important_bg admonition_bg topic_bg "
            "narrow_sidebar_bg anchor_hover_bg",
            "code": "code_bg xref_bg admonition_xref_bg code_hover pre_bg",
            "target": "highlight_bg viewcode_target_bg code_highlight",
            "alarm": "pink_1",
            "alarm-line": "pink_2 pink_3",
        }.items()
        for option in options.split()
    },
    "xref_border": "transparent",
    "admonition_xref_border": "transparent",
    "narrow_sidebar_fg": "var(--text)",
    "narrow_sidebar_link": "var(--link)",
    "shadow": "transparent",
}


class Name(PyXRefRole):
    """What stands between single backticks: a name of the library, with or without ``()``.

    It is looked for where it is used, then everywhere: `read()` finds ``Connection.read``.
    """

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: nodes.Element,
        has_explicit_title: bool,
        title: str,
        target: str,
    ) -> tuple[str, str]:
        title, target = super().process_link(env, refnode, has_explicit_title, title, target)
        refnode["reftype"] = "obj"
        refnode["refspecific"] = True
        return title, target.removesuffix("()")


class Rule(XRefRole):
    """A rule or a section of contract.rst: ``:rule:`4.3``` is a link that reads "contract 4.3"."""

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: nodes.Element,
        has_explicit_title: bool,
        title: str,
        target: str,
    ) -> tuple[str, str]:
        refnode.attributes.update(refdomain="std", reftype="ref", refexplicit=True)
        label = f"contract-{target.replace('.', '-')}"
        return title if has_explicit_title else f"contract {target}", label


def prepare_docstring(
    _app: Sphinx, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Keep napoleon from taking "Seconds: so many" for a type and its description."""
    if what in ("property", "attribute") and ":" in lines[0]:
        lines[0] = f":{lines[0]}"


def shorten_signature(
    _app: Sphinx,
    _what: str,
    _name: str,
    _obj: Any,
    _options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Long unions go by the names under which they are explained; so do some defaults."""
    for long, short in {**UNIONS, "constants.": "Target."}.items():
        signature = signature and signature.replace(long, short)
    return signature and re.sub(r"DEFAULT\.\w+|<factory>", "...", signature), returned


def resolve_private(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, text: nodes.TextElement
) -> nodes.Element | None:
    """Annotations know classes by the file they are in; readers by their public name."""
    target = str(node.get("reftarget", ""))
    is_union = target in (*UNIONS.values(), "LinkType")  # Sphinx 8.1 needs help to find these
    if node.get("refdomain") != "py" or not ("._" in target or is_union):
        return None
    if target == "hcpsdk._transport.response.StrictResponse":
        return nodes.inline("", "HTTPResponse")
    python = env.domains.python_domain
    public = re.sub(r"\._\w+", "", target)
    assert node["refdoc"]
    found = python.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, text)
    return found or text


def add_dark_code(app: Sphinx) -> None:
    """Code is coloured for dark screens too; alabaster alone has no such style."""
    if app.builder.format == "html":
        app.builder.dark_highlighter = PygmentsBridge("html", dark_pygments_style)  # type: ignore[attr-defined]
        app.add_css_file("pygments_dark.css", media="(prefers-color-scheme: dark)", priority=201)


def tell_files() -> None:
    """Let autodoc find the comments beside attributes: in the files, not in the public modules."""
    for module in (hcpsdk, hcpsdk.mapi):
        for each in (getattr(module, name) for name in module.__all__):
            if isinstance(each, type):
                members = [getattr(member, "fget", member) for member in vars(each).values()]
                functions = [member for member in members if inspect.isfunction(member)]
                each.__module__ = functions[0].__module__ if functions else each.__module__


def setup(app: Sphinx) -> None:
    tell_files()
    app.add_role_to_domain("py", "name", Name())
    app.add_role("name", Name())
    app.add_role("rule", Rule(innernodeclass=nodes.inline, warn_dangling=True))
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("missing-reference", resolve_private)
    app.connect("builder-inited", add_dark_code)
