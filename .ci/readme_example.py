"""Print the Python code that README.md shows, as one program."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"

blocks = re.findall(
    r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.M
)
if not blocks:
    raise SystemExit("README.md shows no Python code")
print("\n".join(blocks))
