"""Looks at the status page of a worker in Chromium and clicks.

Reads from standard input what to do, a JSON object:
  url        of the worker
  user       name and password, if the worker asks for them
  steps      a list of [step, argument...], see the functions below
Fails with what it saw instead. Any error on the browser's console fails it too.
"""

import json
import os
import re
import shutil
import sys

from playwright.sync_api import expect, sync_playwright

# Far more than a busy machine needs.
DEADLINE_MS = 90_000


class Page:
    def __init__(self, page, url):
        self.page, self.url = page, url
        self.faults, self.changes = [], []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self.take_message)
        page.on("request", self.take_request)
        page.on("dialog", lambda dialog: self.faults.append(f"a dialog: {dialog.message}"))

    def take_message(self, message):
        # A change that is refused on purpose is in the console too.
        if message.type == "error" and "403" not in message.text and "401" not in message.text:
            self.faults.append(message.text)

    def take_request(self, request):
        if not request.url.startswith((self.url, "data:")):
            self.faults.append(f"a request elsewhere: {request.url}")
        if request.method != "GET":
            self.changes.append(f"{request.method} {request.url[len(self.url):]}")

    def row(self, name):
        toggle = self.page.get_by_role("button", name=name, exact=True)
        return self.page.locator("#connectors > tbody").filter(has=toggle)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    # ---- Steps ----

    def open(self):
        self.page.goto(f"{self.url}/ui")

    def sees(self, name, state):
        """The connector is there, in this state."""
        expect(self.row(name).locator("tr.connector .state")).to_have_text(state)

    def does(self, action, name):
        """Clicks Pause, Resume or Restart, first without and then with confirmation."""
        changes = len(self.changes)
        dialog = self.page.get_by_role("dialog")
        self.button(f"{action} {name}").click()
        expect(dialog).to_contain_text(f"{action} {name}?")
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_be_hidden()
        assert len(self.changes) == changes, f"changed without confirmation: {self.changes}"
        self.button(f"{action} {name}").click()
        dialog.get_by_role("button", name=action).click()
        expect(self.page.locator(".toast").filter(has_text=name).first).to_be_visible()
        assert len(self.changes) == changes + 1, self.changes

    def does_by_keyboard(self, action, name):
        """The same without a mouse; Escape is a no."""
        button = self.button(f"{action} {name}")
        dialog = self.page.get_by_role("dialog")
        button.focus()
        self.page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        self.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
        self.page.keyboard.press("Enter")
        confirm = dialog.get_by_role("button", name=action)
        for _ in range(8):
            self.page.keyboard.press("Tab")
            if confirm.evaluate("node => node === document.activeElement"):
                break
        self.page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()

    def shows_error(self, name, texts, coordinates):
        """The details of a connector have an error with these texts and the failing record."""
        toggle = self.button(name)
        if toggle.get_attribute("aria-expanded") == "false":
            toggle.click()
        error = self.row(name).locator(".error").first
        expect(error).to_be_visible()
        error.locator("summary").click()
        for text in texts:
            expect(error).to_contain_text(text)
        found = dict(zip(error.locator("dt").all_text_contents(), error.locator("dd").all_text_contents()))
        assert found.items() >= coordinates.items(), found

    def shows_records(self, name):
        """The plot of the connector has got a curve, and its number is not 0."""
        metric = self.row(name).locator("tr.connector .metric").first
        expect(metric.locator("path.curve")).to_have_attribute("d", re.compile("L"))
        expect(metric.locator("output")).not_to_have_text("0")

    def has_no_buttons(self, name):
        """Who may only look is told so."""
        expect(self.page.locator("#notice")).to_contain_text("reader")
        expect(self.button(f"Restart {name}")).to_have_count(0)

    def finds(self, text, name, other):
        """A search by keyboard shows one connector and hides the other."""
        self.page.locator("body").press("/")
        self.page.keyboard.type(text)
        expect(self.row(name)).to_be_visible()
        expect(self.row(other)).to_be_hidden()
        self.page.get_by_role("searchbox").fill("")
        expect(self.row(other)).to_be_visible()

    def changes_colours(self):
        """The button for dark colours does what it says, and is remembered."""
        ground = "getComputedStyle(document.body).backgroundColor"
        before = self.page.evaluate(ground)
        self.page.get_by_role("button", name="Dark colours").click()
        dark = self.page.evaluate(ground)
        assert dark != before, dark
        self.page.reload()
        assert self.page.evaluate(ground) == dark
        self.page.get_by_role("button", name="Light colours").click()

    def makes_folder(self, path):
        os.makedirs(path)

    def screenshot(self, path):
        """For docs/images, by hand."""
        self.page.screenshot(path=path)


def main():
    task = json.load(sys.stdin)
    chromium = shutil.which("chromium") or sys.exit("chromium is missing: run `make setup`")
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # Containers and root have no user namespaces for the browser's sandbox; it sees our page only.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        user = task.get("user")
        credentials = {"username": user[0], "password": user[1]} if user else None
        context = browser.new_context(
            http_credentials=credentials,
            color_scheme="light",
            viewport={"width": 1280, "height": 860},
        )
        context.set_default_timeout(DEADLINE_MS)
        page = Page(context.new_page(), task["url"])
        for step, *arguments in task["steps"]:
            try:
                getattr(page, step)(*arguments)
            except Exception as error:
                text = page.page.locator("body").inner_text()
                raise SystemExit(f"{step} {arguments}: {error}\nThe page says:\n{text}\n{page.faults}")
        markup = page.page.locator("main img, main script").count()
        browser.close()
    assert markup == 0, "a name became markup"
    assert not page.faults, page.faults


main()
