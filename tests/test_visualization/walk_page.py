"""A user's way through a page: ``python -m tests.test_visualization.walk_page FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.headless_browser import Browser

HITS = "document.querySelectorAll('.hit')"
SHOWN = "document.getElementById('shown').textContent"
SAID = "document.getElementById('said').textContent"


def main() -> None:
    path = Path(sys.argv[1])
    browser = Browser()
    browser.open(path.as_uri(), 1200, 900)
    browser.wait(f"{SHOWN} === '4 of 4 hits shown'")
    browser.run("form.elements.camera.value = '2'; filter()")
    assert browser.run(SHOWN) == "2 of 4 hits shown"
    browser.run(
        "form.elements.camera.value = ''; form.elements.similarity.value = '0.85'; filter()"
    )
    assert browser.run(SHOWN) == "2 of 4 hits shown"
    browser.run("form.elements.similarity.value = ''; filter()")
    browser.click("[name=unknown]")
    assert browser.run(SHOWN) == "2 of 4 hits shown"
    browser.click("[name=unknown]")

    browser.click("#save-persons")
    assert browser.run(SAID) == "no answer was given yet"
    browser.run(f"{HITS}[0].focus()")
    browser.press("S")
    browser.press("Right")
    browser.press("A")
    assert browser.run(SAID) == "2 answers, not saved yet"
    assert browser.run(f"document.activeElement === {HITS}[1]")
    # Person 5 is known already; 8 is the first number that nobody has.
    assert browser.run("whoIsWho()") == "camera,track_id,pid\n1,0,5\n2,1,5\n3,2,8\n"
    assert browser.run("answers()").splitlines()[1] == "1,0,2,1,0.900000,same"
    browser.run(f"answer({HITS}[1], 'other')")  # once more takes it back
    assert browser.run(SAID) == "1 answers, not saved yet"
    browser.run(f"answer({HITS}[2], 'same')")
    browser.click("#save-persons")
    assert "are one person by the answers, and persons" in browser.run(SAID)

    browser.open(path.as_uri(), 390, 844)
    browser.wait("innerWidth === 390")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.shoot(path.with_suffix(".png"))
    assert not browser.page.complaints, browser.page.complaints
    print("walked through")


if __name__ == "__main__":
    main()
