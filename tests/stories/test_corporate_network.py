"""A laptop in a company: every way out leads through a proxy, which looks into TLS."""

import json

import pytest
from harness import tether
from harness.corporate import (
    SOCKET_HOST,
    LooksIntoTls,
    Proxy,
    authority,
    secure_outputs,
)

# DynamoDB has a host name for each account.
SERVICES = ("sts", "000000000000.ddb", "lambda", "cloudformation")
AWS = [f"{it}.us-east-1.amazonaws.com" for it in SERVICES]
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Who signs whatever leaves this network, and the file that says so."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def looks_into_tls(hello_cloud, company):
    with LooksIntoTls(company[0], hello_cloud) as server:
        yield server.address


@pytest.fixture
def proxy(looks_into_tls):
    with Proxy(looks_into_tls) as proxy:
        yield proxy


@pytest.fixture
def sockets_have_tls(hello_cloud):
    with secure_outputs(hello_cloud):
        yield


def around(proxy, **variables):
    """No endpoint: AWS's own names, which only the proxy can look up."""
    return {"AWS_ENDPOINT_URL": None, "HTTPS_PROXY": proxy, **variables}


def error_of(cloud, **variables):
    process = tether("status", endpoint=cloud.endpoint, **variables)
    assert process.code == 2
    assert len(process.errors) == 1, process.stderr
    return process.errors[0]


# ---- all is well


def test_attach_goes_through_the_proxy_and_trusts_the_bundle(
    hello_cloud, attach, working_copy, proxy, company, sockets_have_tls
):
    variables = around(proxy.url(), AWS_CA_BUNDLE=str(company[1]))
    attached = attach(hello_cloud, working_copy, variables=variables)
    answer = hello_cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload)["answered_by"] == "the working copy"
    assert attached.outcome_of(answer)["outcome"] == "completed"
    attached.detach()
    assert proxy.hosts() == {*AWS, SOCKET_HOST}


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
def test_a_proxy_has_several_names(hello_cloud, proxy, company, variable):
    variables = {"AWS_ENDPOINT_URL": None, variable: proxy.url(), "AWS_CA_BUNDLE": str(company[1])}
    process = tether("status", endpoint=hello_cloud.endpoint, **variables)
    assert process.code == 0, process.errors
    assert set(AWS[:2]) < proxy.hosts()


def test_a_proxy_may_want_a_user_and_a_password(
    hello_cloud, attach, working_copy, looks_into_tls, company, sockets_have_tls
):
    with Proxy(looks_into_tls, user="ada:p@ss:word") as proxy:
        url = proxy.url("ada:p%40ss%3Aword")
        attach(
            hello_cloud, working_copy, variables=around(url, AWS_CA_BUNDLE=str(company[1]))
        ).detach()
        assert SOCKET_HOST in proxy.hosts()


def test_a_proxy_may_be_spoken_to_with_tls(hello_cloud, looks_into_tls, company):
    with Proxy(looks_into_tls, authority=company[0]) as proxy:
        variables = around(proxy.url(), AWS_CA_BUNDLE=str(company[1]))
        process = tether("status", endpoint=hello_cloud.endpoint, **variables)
        assert process.code == 0, process.errors
        assert proxy.hosts()


def test_the_socket_goes_through_a_proxy_that_is_spoken_to_with_tls(
    hello_cloud, attach, working_copy, looks_into_tls, company, sockets_have_tls
):
    with Proxy(looks_into_tls, authority=company[0]) as proxy:
        variables = around(proxy.url(), AWS_CA_BUNDLE=str(company[1]))
        attach(hello_cloud, working_copy, variables=variables).detach()
        assert SOCKET_HOST in proxy.hosts()


def test_what_is_on_this_machine_is_not_asked_for_through_a_proxy(
    hello_cloud, attach, working_copy
):
    variables = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOBODY)
    attach(hello_cloud, working_copy, variables=variables).detach()


def test_an_endpoint_without_tls_has_a_proxy_of_its_own(hello_cloud):
    host, port = hello_cloud.endpoint.removeprefix("http://").split(":")
    there = "http://cloud.example"
    with Proxy((host, int(port))) as proxy:
        found = {"HTTP_PROXY": proxy.url(), "HTTPS_PROXY": NOBODY}
        process = tether("status", endpoint=there, **found)
        assert process.code == 0, process.errors
        assert {it.split("/")[2] for it in proxy.asked_for} == {"cloud.example"}
    with Proxy((host, int(port)), user="ada:right") as proxy:
        said = error_of(hello_cloud, AWS_ENDPOINT_URL=there, HTTP_PROXY=proxy.url())
        assert "asks for a user and a password (it answered 407)" in said
        assert "HTTP_PROXY" in said


@pytest.mark.parametrize("way", ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "ca_bundle"])
def test_an_authority_is_named_in_several_ways(hello_cloud, proxy, company, tmp_path, way):
    variables = around(proxy.url())
    if way == "ca_bundle":
        config = tmp_path / "config"
        config.write_text(f"[profile work]\nca_bundle = {company[1]}\n")
        variables |= {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "work"}
    else:
        variables[way] = str(company[1])
    process = tether("status", endpoint=hello_cloud.endpoint, **variables)
    assert process.code == 0, process.errors


# ---- what goes wrong


def test_who_looks_into_tls_without_being_trusted_is_told_of(hello_cloud, proxy):
    said = error_of(hello_cloud, **around(proxy.url()))
    assert "the certificate of cloudformation.us-east-1.amazonaws.com is signed by nobody" in said
    assert "set AWS_CA_BUNDLE" in said


def test_a_bundle_of_somebody_else_is_named(hello_cloud, proxy, tmp_path):
    _, other = authority(tmp_path)
    said = error_of(hello_cloud, **around(proxy.url(), AWS_CA_BUNDLE=str(other)))
    assert f"signed by nobody in {other} (AWS_CA_BUNDLE)" in said


def test_a_socket_whose_certificate_is_not_trusted_is_told_of_in_the_same_words(
    hello_cloud, working_copy, looks_into_tls, company, tmp_path
):
    # AWS is reached without TLS, the WebSocket with it.
    _, other = authority(tmp_path)
    with Proxy(looks_into_tls) as proxy, secure_outputs(hello_cloud):
        process = tether(
            "attach",
            "--stack-name",
            "app",
            endpoint=hello_cloud.endpoint,
            cwd=working_copy.folder,
            HTTPS_PROXY=proxy.url(),
            AWS_CA_BUNDLE=str(other),
            XDG_STATE_HOME=str(tmp_path / "state"),
        )
        assert process.code == 2
        assert (
            f"the certificate of {SOCKET_HOST} is signed by nobody in {other}" in process.errors[0]
        )


@pytest.mark.parametrize("user", [None, "ada:wr%40ng"])
def test_a_proxy_that_is_not_told_the_password_is_named_without_it(
    hello_cloud, looks_into_tls, user
):
    with Proxy(looks_into_tls, user="ada:right") as proxy:
        said = error_of(hello_cloud, **around(proxy.url(user)))
        assert proxy.url() in said and "407" in said
        assert ("does not take" if user else "asks for a user") in said
        assert "HTTPS_PROXY" in said
        assert "wr@ng" not in said and "wr%40ng" not in said


def test_a_proxy_that_refuses_the_socket_is_named_with_its_answer(
    hello_cloud, working_copy, looks_into_tls, company, sockets_have_tls, tmp_path
):
    with Proxy(looks_into_tls, refuses={SOCKET_HOST: 403}) as proxy:
        process = tether(
            "attach",
            "--stack-name",
            "app",
            endpoint=hello_cloud.endpoint,
            cwd=working_copy.folder,
            XDG_STATE_HOME=str(tmp_path / "state"),
            **around(proxy.url(), AWS_CA_BUNDLE=str(company[1])),
        )
        assert process.code == 2
        assert f"the proxy {proxy.url()} answered 403" in process.errors[0]


def test_a_proxy_that_refuses_aws_is_named(hello_cloud, looks_into_tls):
    with Proxy(looks_into_tls, refuses={AWS[3]: 503}) as proxy:
        said = error_of(hello_cloud, **around(proxy.url()))
        assert f"the proxy {proxy.url()} refuses a connection to {AWS[3]}" in said


def test_a_proxy_that_is_not_there_is_named(hello_cloud):
    assert f"the proxy {NOBODY} cannot be reached" in error_of(hello_cloud, **around(NOBODY))


def test_what_is_no_proxy_is_refused_by_the_name_of_its_variable(hello_cloud):
    said = error_of(hello_cloud, HTTPS_PROXY="ftp://ada:secret@there")
    assert said.startswith("HTTPS_PROXY is no proxy's address")
    assert "secret" not in said
    assert error_of(hello_cloud, ALL_PROXY="socks5://there:1080").startswith(
        "ALL_PROXY names a socks5"
    )


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_is_of_no_use_is_named_with_its_variable(hello_cloud, tmp_path, variable):
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("no certificate here\n")
    said = error_of(hello_cloud, **{variable: str(missing)})
    assert said.startswith(f"{variable} is {missing}, which cannot be read (")
    said = error_of(hello_cloud, **{variable: str(empty)})
    assert said.startswith(f"{variable} is {empty}, in which no certificate stands")


# ---- what the doctor says of it


def network_of(cloud, folder, **variables):
    """What it finds of the network, and its exit code."""
    process = tether("doctor", "--json", endpoint=cloud.endpoint, cwd=folder, **variables)
    found = process.events_of("finding", step="network")
    assert len(found) == 1
    return found[0], process


def test_the_doctor_names_the_proxy_and_the_bundle(hello_cloud, tmp_path, proxy, company):
    variables = around(proxy.url(), AWS_CA_BUNDLE=str(company[1]))
    found, process = network_of(hello_cloud, tmp_path, **variables)
    assert process.code == 0, process.events
    assert found["what"] == (
        f"sts.us-east-1.amazonaws.com is reached through the proxy {proxy.url()},"
        f" its certificate trusted by {company[1]} (AWS_CA_BUNDLE)"
    )


def test_the_doctor_tells_what_a_proxy_answers(hello_cloud, tmp_path, looks_into_tls):
    with Proxy(looks_into_tls, refuses={AWS[0]: 403}) as proxy:
        found, process = network_of(hello_cloud, tmp_path, **around(proxy.url()))
    assert (process.code, found["state"]) == (2, "failed")
    assert f"the proxy {proxy.url()} answered 403" in found["what"]
    assert found["fix"].startswith("have that host allowed there")
    skipped = process.events_of("finding", state="skipped")
    assert {"credentials", "helperStack", "webSocket"} < {it["step"] for it in skipped}


def test_a_proxy_that_never_answers_is_not_waited_for(hello_cloud, tmp_path, looks_into_tls):
    with Proxy(looks_into_tls, refuses={AWS[0]: None}) as proxy:
        found, process = network_of(hello_cloud, tmp_path, **around(proxy.url()))
    assert process.code == 2
    assert f"the proxy {proxy.url()} cannot be reached (no answer within 8 s)" in found["what"]
    assert found["fix"].startswith("correct HTTPS_PROXY")


def test_the_doctor_tells_who_looks_into_tls(hello_cloud, tmp_path, proxy):
    found, process = network_of(hello_cloud, tmp_path, **around(proxy.url()))
    assert process.code == 2
    assert "signed by nobody whom this machine trusts" in found["what"]
    assert found["fix"].startswith("set AWS_CA_BUNDLE")


def test_the_doctor_finds_a_socket_that_the_proxy_blocks(
    hello_cloud, tmp_path, looks_into_tls, company, sockets_have_tls
):
    with Proxy(looks_into_tls, refuses={SOCKET_HOST: 502}) as proxy:
        variables = around(proxy.url(), AWS_CA_BUNDLE=str(company[1]))
        found, process = network_of(hello_cloud, tmp_path, **variables)
    assert found["state"] == "ok"
    blocked = process.events_of("finding", state="failed")
    assert [it["step"] for it in blocked] == ["webSocket"]
    assert "answered 502" in blocked[0]["what"]


def test_the_doctor_names_a_bundle_that_is_not_there(hello_cloud, tmp_path):
    variables = {"AWS_CA_BUNDLE": str(tmp_path / "missing.pem")}
    found, process = network_of(hello_cloud, tmp_path, **variables)
    assert process.code == 2
    assert found["what"].startswith("AWS_CA_BUNDLE is ") and "missing.pem" in found["what"]
