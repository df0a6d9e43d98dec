"""The pages in a real Chromium: the language switch works, nothing is fetched, nothing runs off a small screen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.reader import load_contracts
from reports.page import render
from reports.profile_page import render_profile
from tests.unit.test_reports_page import PROFILE, report

pytestmark = pytest.mark.browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def browser():
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not CHROMIUM or not DRIVER:
        pytest.skip("no chromium with its chromedriver on this machine")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(params=["report", "profile"])
def page(request, tmp_path: Path) -> Path:
    made = tmp_path / f"{request.param}.html"
    made.write_text(render(report()) if request.param == "report" else render_profile(PROFILE, load_contracts()), encoding="utf-8")
    return made


def visible(browser, language: str) -> bool:
    return any(each.is_displayed() for each in browser.find_elements("css selector", f'main span[lang="{language}"]'))


def test_a_click_changes_the_language_and_another_changes_it_back(browser, page):
    browser.get(page.as_uri())
    assert visible(browser, "zh-CN") and not visible(browser, "en")
    title, button = browser.title, browser.find_element("css selector", "button.switch")
    button.click()
    assert visible(browser, "en") and not visible(browser, "zh-CN") and browser.title != title
    assert browser.execute_script("return document.documentElement.lang") == "en"
    button.click()
    assert visible(browser, "zh-CN") and not visible(browser, "en") and browser.title == title


def test_the_page_fetches_nothing_and_its_script_runs_without_error(browser, page):
    browser.get(page.as_uri())
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_nothing_runs_off_a_telephone_screen(browser, page):
    browser.set_window_size(500, 900)  # as small as a window can be
    browser.get(page.as_uri())
    wide = browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    browser.set_window_size(1200, 900)


def test_what_is_folded_is_open_in_print(browser, page):
    browser.get(page.as_uri())
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    folded = browser.execute_script("return [...document.querySelectorAll('details')].filter(each => !each.open).length")
    assert folded == 0
