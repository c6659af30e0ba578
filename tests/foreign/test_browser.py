"""A browser's own ``fetch`` and ``WebSocket`` against what ``tether local`` serves.

CORS is what a browser makes of it: it asks first where it has to, and keeps from the page what
the page may not read.
"""

import json

import pytest
from harness import front_doors
from harness.browser import CHROMIUM, Browser, Site
from harness.served import Served

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="there is no chromium (Debian: apt-get install chromium)"
)

OPEN = ["Rest", "Http", "UrlFunction"]


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture(scope="module")
def stranger():
    """A page of an origin that no API names."""
    site = Site()
    yield site
    site.close()


@pytest.fixture(scope="module")
def served(site, tmp_path_factory):
    project = front_doors.project(tmp_path_factory.mktemp("served"), site.origin)
    with Served(project) as served:
        yield served


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def page(browser, site):
    return browser.page(site.origin)


def fetch(page, url, **how):
    """Status, the headers that the page may read, and the body; or what the browser says."""
    return page.run(
        f"""fetch({json.dumps(url)}, {json.dumps(how)}).then(
            async answer => ({{
                status: answer.status,
                headers: Object.fromEntries(answer.headers),
                body: await answer.json(),
            }}),
            error => String(error),
        )"""
    )


@pytest.mark.parametrize("api", OPEN)
def test_a_page_reads_what_its_origin_may_read(served, page, api):
    answer = fetch(page, served.url(api, "/things"))
    assert (answer["status"], answer["body"]["method"]) == (200, "GET")


@pytest.mark.parametrize("api", OPEN)
def test_a_request_that_is_not_simple_is_asked_for_first(served, page, api):
    headers = {"X-Mine": "here", "Content-Type": "application/json"}
    answer = fetch(
        page, served.url(api, "/things/1"), method="PUT", headers=headers, body='{"a": "ü"}'
    )
    assert answer["status"] == 200
    assert answer["body"] == {"method": "PUT", "size": 11, "mine": "here", "cookies": None}


@pytest.mark.parametrize("api", OPEN)
def test_what_the_api_does_not_allow_is_never_sent(served, page, api):
    def asked():
        lines = (it["line"] for it in served.process.events_of("log"))
        return [line for line in lines if line.endswith(f"/never/{api}")]

    url = served.url(api, f"/never/{api}")
    assert fetch(page, url, method="DELETE") == "TypeError: Failed to fetch"
    headers = {"X-Other": "here"}
    assert fetch(page, url, headers=headers) == "TypeError: Failed to fetch"
    assert fetch(page, url, method="GET")["status"] == 200
    served.process.wait_until(asked, "what was asked for")
    (line,) = asked()
    assert line.startswith("GET ")


def test_a_header_is_read_where_the_api_exposes_it(served, page):
    seen = {api: fetch(page, served.url(api, "/things"))["headers"].get("x-seen") for api in OPEN}
    assert seen == {"Rest": None, "Http": "GET", "UrlFunction": "GET"}


@pytest.mark.parametrize("api", ["Http", "UrlFunction"])
def test_a_page_with_credentials_is_let_in_where_they_are_allowed(served, page, api):
    answer = fetch(page, served.url(api, "/things"), credentials="include")
    assert answer["status"] == 200


def test_a_page_with_credentials_is_not_let_in_elsewhere(served, page):
    url = served.url("Rest", "/things")
    assert fetch(page, url, credentials="include") == "TypeError: Failed to fetch"


@pytest.mark.parametrize("api", OPEN)
def test_a_page_of_another_origin_reads_nothing(served, browser, stranger, api):
    page = browser.page(stranger.origin)
    assert fetch(page, served.url(api, "/things")) == "TypeError: Failed to fetch"


def test_an_api_without_cors_leaves_it_to_the_function(served, page):
    url = served.url("Closed", "/things")
    assert fetch(page, url)["status"] == 200
    # Nobody answers for the function that the browser may ask so.
    refused = fetch(page, url, method="PUT", headers={"X-Mine": "here"})
    assert refused == "TypeError: Failed to fetch"


# ---- WebSockets

TALK = """new Promise(done => {
    const seen = [], socket = new WebSocket(%s, %s);
    socket.onopen = () => { seen.push("open " + socket.protocol); socket.send(%s); };
    socket.onmessage = message => { seen.push(message.data); socket.close(4000, "enough"); };
    socket.onerror = () => seen.push("error");
    socket.onclose = close => { seen.push(close.code + " " + close.reason); done(seen); };
})"""


def talk(served, page, *protocols, say="hello"):
    url = served.url("Sockets")
    return page.run(TALK % (json.dumps(url), json.dumps(protocols), json.dumps(say)))


def test_a_socket_opens_speaks_and_closes(served, page):
    assert talk(served, page) == ["open ", "hello", "4000 enough"]
    assert talk(served, page, say="ü" * 10_000)[1] == "ü" * 10_000


def test_the_function_chooses_the_subprotocol(served, page):
    assert talk(served, page, "one", "two")[0] == "open two"


def test_a_browser_gives_up_where_no_subprotocol_is_chosen(served, page):
    assert talk(served, page, "one") == ["error", "1006 "]


def test_a_refused_connection_is_an_error(served, page):
    assert talk(served, page, "no", "two") == ["error", "1006 "]
