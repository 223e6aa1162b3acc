"""The programs of docs/python.md, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from peft import PeftModel
from test_bases import IDS

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_the_programs_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) == 5
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for program in programs:
        exec(compile(program, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == str(
        [f"transformer.h.1.{k}" for k in ("attn.c_attn", "mlp.c_fc", "mlp.c_proj")]
    )
    assert printed[-2:] == [
        "lora",
        "{'A': 'none', 'B': 'lora-4', 'C': 'none', 'D': 'none', 'E': 'vector'}",
    ]
    model = names["model"]
    expected = model(input_ids=IDS).logits
    names["glora"].eject(model)
    found = PeftModel.from_pretrained(model, "for-peft").eval()(input_ids=IDS).logits
    assert (found - expected).abs().max() < 1e-5
