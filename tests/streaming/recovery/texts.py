"""Texts in many scripts, and the words of one that are cut, replayed and gone on with."""

# ruff: noqa: RUF001  (other scripts are meant)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cortex_actors.chat import ChatRequest, Message, TextPart
from cortex_actors.streaming.recovery import Continuation, Seam

REQUEST = ChatRequest((Message("user", (TextPart("Tell me something."),)),))

TEXTS = {
    "latin": (
        "The quick brown fox jumps over the lazy dog. It was a bright cold day in April, and the clocks "
        'were striking thirteen. "Never again," she said — twice.\n\n1. First item\n2. Second item\n\n'
        "The end of the story is the end of the day."
    ),
    "chinese": (
        "云端的网关把每一个词都送到读者手中。它从不说谎，也不重复。夜里下起了雨，河水慢慢上涨；"
        "老人坐在窗边读一封旧信。谢谢你一直等到现在。"
    ),
    "japanese": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。ニャーニャー泣いていた。",
    "arabic": "كان يا ما كان في قديم الزمان، ملك يحكم بلادًا واسعة. هل تعرف ما حدث؟ خرج الملك إلى السوق.",
    "hindi": "एक समय की बात है। एक राजा अपने राज्य में सुख से रहता था। क्या आप जानते हैं?",
    "thai": "กาลครั้งหนึ่งนานมาแล้ว มีเด็กหญิงคนหนึ่งอาศัยอยู่ในหมู่บ้านเล็กๆ ใกล้ป่าใหญ่",
    "emoji": (
        "Family 👨‍👩‍👧‍👦 goes 🏳️‍🌈 to the 👩🏽‍🚀 launch 🇩🇪🇫🇷 and back 👍🏿 then 🧑‍💻 codes ❤️‍🔥 all night 😀😀."
    ),
    "marks": (
        "Le cafe\u0301 nai\u0308f du re\u0301sume\u0301 a\u0300 l'e\u0301cole; "
        "h\u0335\u0321e\u0337\u0322l\u0338o\u0334 Vie\u0323\u0302t Nam."
    ),
    "code": (
        "def f(x):\n    if x:\n        return None\n    return x\n\n\n"
        "def g(x):\n    if not x:\n        return None\n    return f(x)\n"
    ),
    "numbers": " ".join(
        ["one", "two", "twenty", "twenty-one", "twenty-two", "thirty", "thirty-one", "forty", "forty-one"]
    ),
}


def words(text: str) -> list[str]:
    """The text in pieces as a model says it: words with the space before them; characters where none are."""
    return re.findall(r"\s*[\u0e00-\u0e7f\u3040-\u9fff]|\s*[^\s\u0e00-\u0e7f\u3040-\u9fff]+|\s+$", text)


def cuts(text: str) -> Iterator[tuple[str, str]]:
    """What was said, and what was not, for a cut behind every word."""
    said = ""
    for word in words(text):
        said += word
        yield said, text[len(said) :]


def joined(asked: Continuation, pieces: Iterable[str]) -> str:
    """What a caller has in the end, who has what `asked` goes on from, and then these pieces' new text."""
    seam = Seam(asked)
    new = "".join(seam.feed(piece) for piece in pieces) + seam.finish()
    return asked.said + new
