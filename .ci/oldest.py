"""Print a pip constraint for every lower bound that pyproject.toml states.

``numpy>=1.26`` becomes ``numpy==1.26``: installing under these constraints gives the
oldest versions that the project allows. Given names of extras, their requirements
are taken too, and those of the extras of this project that they name.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(\[(?P<extras>[^]]+)\])?(>=(?P<oldest>[\w.]+))?$"
)


def constraints(project: dict, requirements: list[str]) -> dict[str, str]:
    """Return the oldest allowed version of each requirement, by name."""
    oldest = {}
    for requirement in requirements:
        match = REQUIREMENT.match(requirement)
        if match is None:
            raise SystemExit(f"no lower bound of the form name>=1.2: {requirement!r}")
        if match["name"] == project["name"]:
            for extra in match["extras"].split(","):
                extra_requirements = project["optional-dependencies"][extra.strip()]
                oldest |= constraints(project, extra_requirements)
        elif match["oldest"] is None:
            raise SystemExit(f"no lower bound: {requirement!r}")
        else:
            oldest[match["name"]] = match["oldest"]
    return oldest


def main(extras: list[str]) -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    if extras:
        requirements.append(f"{project['name']}[{','.join(extras)}]")
    for name, version in sorted(constraints(project, requirements).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main(sys.argv[1:])
