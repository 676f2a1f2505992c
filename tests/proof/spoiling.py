"""Sound files spoilt: bytes changed anywhere, or one value of their JSON replaced by another."""

import json
import random
from typing import Any

VALUES = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    10**30,
    "",
    "x",
    "1",
    "\ud800",
    "NaN",
    float("nan"),
    [],
    [1],
    {},
    {"x": 1},
)
"""What stands in the place of a value: of another type, out of bounds, empty."""


def spoilt(sound: bytes, rng: random.Random) -> bytes:
    """A file with bytes changed, cut out, said twice, or cut off."""
    content = bytearray(sound)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(4):
            case 0 if at < len(content):
                content[at] = rng.randrange(256)
            case 1:
                del content[at : at + rng.randint(1, 20)]
            case 2:
                content[at:at] = content[at : at + rng.randint(1, 30)]
            case _:
                content[at:at] = bytes(rng.choices(b'{}[]",:0123456789eE-+NaN\x00\xff', k=rng.randint(1, 6)))
    return bytes(content)


def edited(sound: bytes, rng: random.Random) -> bytes:
    """A file that is JSON still, in one piece or in lines, with one to three of its values changed, left out or added."""
    lines = [sound] if _is_json(sound) else sound.splitlines()
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(lines))
        document = json.loads(lines[place])
        _edit(document, rng)
        lines[place] = json.dumps(document).encode()
    return b"\n".join(lines) + b"\n"


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _edit(node: Any, rng: random.Random) -> None:
    """Go down at random, and change one place."""
    places = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not places:
        return None
    place = rng.choice(places)
    if isinstance(node[place], dict | list) and node[place] and rng.random() < 0.7:
        return _edit(node[place], rng)
    match rng.randrange(6):
        case 0:
            del node[place]
        case 1 if isinstance(node, dict):
            node[rng.choice(("x", "index", "value", "id"))] = rng.choice(VALUES)
        case _:
            node[place] = rng.choice(VALUES)
    return None
