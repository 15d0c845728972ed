"""Formulas as MathML, which browsers render without scripts, fonts or downloads."""

from itertools import zip_longest
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)
NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ElementTree.register_namespace("", NAMESPACE)


def mathml(latex: str, display: str) -> str:
    """Return a formula as MathML, with space around the names of functions."""
    root = ElementTree.fromstring(convert(latex, display=display))
    for parent in root.iter():
        children = list(parent)
        for child, after in zip_longest(children, children[1:]):
            if child.tag != f"{{{NAMESPACE}}}mi" or len(child.text or "") < 2:
                continue
            # Browsers put no space around an identifier, so that "y log x" looks like one
            # word. They put space around an operator.
            child.tag = f"{{{NAMESPACE}}}mo"
            opened = after is not None and after.text == "("
            child.set("lspace", "0.17em")
            child.set("rspace", "0" if opened else "0.17em")
            child.set("form", "prefix")
    return ElementTree.tostring(root, encoding="unicode")


def _write(self, node: nodes.Element, latex: str, display: str) -> str:
    try:
        return mathml(latex, display)
    except Exception as error:
        logger.warning("no MathML for %r: %s", latex, error, location=node)
        return f"<code>{self.encode(latex)}</code>"


def visit_inline(self, node: nodes.math) -> None:
    self.body.append(_write(self, node, node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    latex = node.astext().strip()
    if "&" in latex or r"\\" in latex:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    formula = _write(self, node, latex, "block")
    self.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
