"""Sphinx configuration. After ``pip install -e '.[docs]'``, build the documentation with::

    python3 -m sphinx -W --keep-going -b html docs docs/_build/html

The build does not access the network.
"""

import builtins
import inspect
import re
import sys
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.environment import BuildEnvironment
from sphinx.highlighting import PygmentsBridge
from sphinx.roles import XRefRole
from sphinx.util.typing import stringify_annotation

import hcpsdk
from hcpsdk import _connection, _target
from hcpsdk._failover import Failover
from hcpsdk._request.content import Content
from hcpsdk._request.headers import Headers
from hcpsdk._request.url import Params

project = "hcpsdk"
author = "the hcpsdk contributors"
copyright = "the hcpsdk contributors, MIT license"
release = version = hcpsdk.version()

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",  # a link from each object to its source
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_templates"]
default_role = "name"  # `Connection` in docstrings and on pages is a link, see below
highlight_language = "none"  # each block names its language
pygments_style = "default"  # enough contrast on the background --code
dark_pygments_style = "github-dark"
toc_object_entries = False

# Every link must resolve, except links to Python's own names.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(asyncio|collections|concurrent|datetime|enum|http|io|ipaddress)(\..*)?"),
    (r"py:.*", r"(os|pathlib|ssl|threading|typing)(\..*)?"),
    (r"py:.*", "|".join([*dir(builtins), "TypeError, ValueError", "OrderedDict"])),
]

# The copy button copies commands only: no prompts, no output.
copybutton_selector = "div:not(.output) > div.highlight pre"
copybutton_prompt_text = r">>> |\.\.\. ?|\$ "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

# The API reference is generated from the docstrings.
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

# Where annotations name what only type checkers import, its place is taken at runtime; not here.
_connection.Any = Any
_target.Failover = Failover

# Long types get short names in signatures; api/hcpsdk.rst describes them.
UNIONS = {
    stringify_annotation(union, "smart"): name
    for name, union in (("Content", Content), ("Params", Params), ("Headers", Headers))
}

html_theme = "alabaster"
html_title = f"hcpsdk {release} documentation"
html_short_title = "hcpsdk"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_copy_source = False
html_show_sphinx = False
viewcode_line_numbers = True
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html", "relations.html"]}

# All colors are variables defined in _static/custom.css, for light and for dark screens.
html_theme_options = {
    "description": f"Python client library for the Hitachi Content Platform<br>Version {release}",
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
    """A name of the library in single backticks, with or without ``()``.

    It is resolved in the current module, then in all modules: `read()` is ``Connection.read``.
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
    """Keep napoleon from parsing "Seconds: so many" as a type and its description."""
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
    """Replace long unions and some defaults by the names that describe them."""
    for long, short in {**UNIONS, "constants.": "Target."}.items():
        signature = signature and signature.replace(long, short)
    return signature and re.sub(r"DEFAULT\.\w+|<factory>", "...", signature), returned


def resolve_private(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, text: nodes.TextElement
) -> nodes.Element | None:
    """Resolve a class by its public name; annotations have the name of its private module."""
    target = str(node.get("reftarget", ""))
    is_union = target in (*UNIONS.values(), "LinkType")  # Sphinx 8.1 does not find these
    if node.get("refdomain") != "py" or not ("._" in target or is_union):
        return None
    if target == "hcpsdk._transport.response.StrictResponse":
        return nodes.inline("", "HTTPResponse")
    python = env.domains.python_domain
    public = re.sub(r"\._.*\.", ".", target)
    assert node["refdoc"]
    found = python.resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, text)
    return found or text


def add_dark_code(app: Sphinx) -> None:
    """Add a style for code on dark screens, which alabaster does not have."""
    if app.builder.format == "html":
        app.builder.dark_highlighter = PygmentsBridge("html", dark_pygments_style)  # type: ignore[attr-defined]
        app.add_css_file("pygments_dark.css", media="(prefers-color-scheme: dark)", priority=201)


def source_module(each: type) -> str:
    """Return the name of the private module that defines a public class."""
    found = [
        module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "hcpsdk" and vars(module).get(each.__name__) is each
    ]
    return next(
        module.__name__ for module in found if f"class {each.__name__}" in inspect.getsource(module)
    )


def set_modules() -> None:
    """Set the module of public classes to the file that defines them.

    Autodoc looks there for comments that document attributes, and viewcode for the source.
    """
    for module in (hcpsdk, hcpsdk.mapi, hcpsdk.bulk, hcpsdk.listing, hcpsdk.s3, hcpsdk.transfer):
        for each in (getattr(module, name) for name in module.__all__):
            if isinstance(each, type):
                each.__module__ = source_module(each)


def follow_import(_app: Sphinx, modname: str, attribute: str) -> str | None:
    """Return the module with the source of a property, which viewcode does not find."""
    each: Any = sys.modules.get(modname)
    for name in attribute.split("."):
        each = inspect.getattr_static(each, name, None)
    getter = getattr(each, "fget", None)
    return getter.__module__ if getter else None


def setup(app: Sphinx) -> None:
    set_modules()
    app.add_role_to_domain("py", "name", Name())
    app.add_role("name", Name())
    app.add_role("rule", Rule(innernodeclass=nodes.inline, warn_dangling=True))
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("missing-reference", resolve_private)
    app.connect("builder-inited", add_dark_code)
    app.connect("viewcode-follow-imported", follow_import)
