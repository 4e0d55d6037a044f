"""A user's way through the gallery in the browser: ``python -m tests.test_serving.walk``.

Takes the address, a folder for pictures of the screen, and crops to send. Fails by an exception.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.headless_browser import Browser

CARDS = "document.querySelectorAll('#tracklets article')"
HITS = "document.querySelectorAll('.hit')"
SAID = "document.getElementById('said').textContent"
LISTED = f"{CARDS}.length > 0"


def look_and_search(browser: Browser, screens: Path) -> None:
    browser.wait(f"{CARDS}.length === 6")
    browser.shoot(screens / "list.png")
    # Who is faster than the server gets the last thing that was asked for, once.
    browser.run("state.next = 0; list(true); list(true)")
    browser.wait(f"{CARDS}.length >= 12")
    browser.spin(0.3)
    assert browser.run(f"{CARDS}.length") == 12
    browser.run("document.querySelector('#list-filters').elements.camera.value = '3'")
    browser.click("#list-filters button")
    browser.wait(f"{SAID} === '6 tracklets shown'")
    browser.click("#tracklets article [data-do=find]")
    browser.wait(f"{HITS}.length === 5")
    assert "1 the query itself" in browser.run("document.getElementById('searched').textContent")
    browser.shoot(screens / "found.png")


def answer(browser: Browser, screens: Path) -> None:
    browser.click(".hit [data-answer=same]")
    browser.wait(f"{SAID} === 'both are person 1'")
    assert browser.run(f"{HITS}[0].className") == "hit same"
    browser.run(f"{HITS}[1].focus()")
    browser.press("A")
    browser.wait(f"{HITS}[1].classList.contains('rejected')")
    browser.press("Right")
    assert browser.run(f"document.activeElement === {HITS}[2]")
    browser.press("P")
    browser.wait("Number(document.activeElement.dataset.played) > 0")
    browser.shoot(screens / "playing.png")
    browser.press("P")
    browser.press("Left")
    browser.press("A")  # the same answer again takes it back
    browser.wait(f"!{HITS}[1].classList.contains('rejected')")


def narrow(browser: Browser) -> None:
    shown = "document.getElementById('shown').textContent"
    browser.click("#found-filters [name=unknown]")
    browser.wait(f"{shown} === '4 of 5 hits shown'")
    browser.click("#found-filters [name=unknown]")
    browser.click("#found-filters [name=others]")
    browser.click("#found-filters button")
    browser.wait(f"{HITS}.length === 0")
    browser.click("#found-filters [name=others]")
    browser.click("#found-filters button")
    browser.wait(f"{HITS}.length === 5")


def delete(browser: Browser, screens: Path) -> None:
    is_open = "document.getElementById('sure').open"
    browser.run(f"{HITS}[3].focus()")
    browser.press("Delete")
    browser.wait(is_open)
    browser.shoot(screens / "sure.png")
    browser.press("Return")  # what is chosen first keeps it
    browser.wait(f"!{is_open} && {HITS}.length === 5")
    browser.run(f"{HITS}[3].focus()")
    browser.press("Delete")
    browser.wait(is_open)
    browser.press("Tab")
    browser.press("Return")
    browser.wait(f"{HITS}.length === 4")
    browser.wait("document.getElementById('facts').textContent.startsWith('5 tracklets')")


def send(browser: Browser, screens: Path, crops: list[str]) -> None:
    browser.click("#show-list")
    browser.page.chosen = crops
    browser.click("#crops [name=files]")
    browser.wait(f"document.querySelector('#crops').elements.files.files.length === {len(crops)}")
    browser.click("#crops button")
    browser.wait("document.querySelector('#query article')?.tracklet.is_upload")
    assert browser.run(f"{HITS}[0].tracklet.similarity") > 0.999
    browser.shoot(screens / "sent.png")


def main() -> None:
    address, screens, *crops = sys.argv[1:]
    browser, folder = Browser(), Path(screens)
    browser.open(address, 1200, 900)
    look_and_search(browser, folder)
    answer(browser, folder)
    narrow(browser)
    delete(browser, folder)
    send(browser, folder, crops)
    browser.open(address.partition("#")[0], 390, 844)
    browser.wait(LISTED)
    browser.shoot(folder / "phone.png")
    browser.click("#tracklets article [data-do=find]")
    browser.wait(f"{HITS}.length > 0")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.shoot(folder / "phone_found.png")
    assert not browser.page.complaints, browser.page.complaints
    print("walked through")


if __name__ == "__main__":
    main()
