"""Rust and Go functions under ``tether invoke``: built here, and run as they are."""

import json

import pytest
from harness import Process, Project, tether
from harness.surroundings import binary, environment
from harness.tools import needs

# A compiler on a busy machine.
LONG = 300

# The Runtime API over the standard library, in as few words as will do.
RUST = """
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn ask(verb: &str, path: &str, body: &str) -> (String, String) {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(stream, "{verb} /2018-06-01/runtime/invocation/{path} HTTP/1.1\\r\\nHost: {host}\\r\\n\\
Connection: close\\r\\nContent-Length: {}\\r\\n\\r\\n{body}", body.len()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_lowercase();
        if line.is_empty() { break; }
        if let Some(it) = line.strip_prefix("lambda-runtime-aws-request-id: ") { id = it.into(); }
        if let Some(it) = line.strip_prefix("content-length: ") { length = it.parse().unwrap(); }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (id, String::from_utf8(body).unwrap())
}

fn stream(id: &str, go: &str) {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut api = TcpStream::connect(&host).unwrap();
    write!(api, "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\\r\\nHost: {host}\\r\\n\\
Lambda-Runtime-Function-Response-Mode: streaming\\r\\nTransfer-Encoding: chunked\\r\\n\\
Connection: close\\r\\n\\r\\n4\\r\\none\\n\\r\\n").unwrap();
    while !std::path::Path::new(go).exists() { std::thread::yield_now(); }
    write!(api, "4\\r\\ntwo\\n\\r\\n0\\r\\n\\r\\n").unwrap();
    api.read_to_end(&mut Vec::new()).unwrap();
}

fn main() {
    loop {
        let (id, event) = ask("GET", "next", "");
        println!("asked {event}");
        if let Some(go) = event.trim_matches('"').strip_prefix("stream ") { stream(&id, go); continue; }
        if event.contains("panic") { panic!("no such thing"); }
        if event.contains("exit") { std::process::exit(7); }
        if event.contains("sleep") { std::thread::sleep(std::time::Duration::from_secs(60)); }
        let (verb, body) = if event.contains("fail") {
            ("error", r#"{"errorType":"NotFound","errorMessage":"no such thing"}"#.to_string())
        } else {
            ("response", format!("\\"{}\\"", ANSWER))
        };
        ask("POST", &format!("{id}/{verb}"), &body);
    }
}

const ANSWER: &str = "the first";
"""

CARGO = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n'

GO = """package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const answer = "the first"

func stream(url, until string) {
	body, writer := io.Pipe()
	go func() {
		io.WriteString(writer, "one\\n")
		for {
			if _, err := os.Stat(until); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		io.WriteString(writer, "two\\n")
		writer.Close()
	}()
	request, _ := http.NewRequest("POST", url, body)
	request.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	http.DefaultClient.Do(request)
}

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(next.Body)
		event := string(body)
		fmt.Println("asked", event)
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		verb, text := "response", "\\"" + answer + "\\""
		switch {
		case strings.Contains(event, "stream "):
			stream(api+id+"/response", strings.Trim(event, "\\"")[len("stream "):])
			continue
		case strings.Contains(event, "panic"):
			panic("no such thing")
		case strings.Contains(event, "exit"):
			os.Exit(7)
		case strings.Contains(event, "sleep"):
			time.Sleep(time.Minute)
		case strings.Contains(event, "fail"):
			verb, text = "error", `{"errorType":"NotFound","errorMessage":"no such thing"}`
		}
		http.Post(api+id+"/"+verb, "application/json", strings.NewReader(text))
	}
}
"""

LANGUAGES = {
    "rust": ({"Cargo.toml": CARGO, "src/main.rs": RUST}, "src/main.rs", "ANSWER))", "ANSWR))", "cargo"),
    "go": ({"go.mod": "module example.com/hello\n\ngo 1.19\n", "main.go": GO}, "main.go", '" + answer', '" + answr', "go"),
}


class Compiled:
    """A project of one function in a compiled language."""

    def __init__(self, folder, files, source, good, wrong, tool):
        self.source, self.good, self.wrong, self.tool = f"code/{source}", good, wrong, tool
        self.project = Project(folder)
        for name, text in files.items():
            self.project.write(f"code/{name}", text)
        properties = {
            "CodeUri": "code/",
            "Handler": "bootstrap",
            "Runtime": "provided.al2023",
            "Timeout": 1,
        }
        function = {"Type": "AWS::Serverless::Function", "Properties": properties}
        template = {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": {"HelloFunction": function},
        }
        self.project.write("template.yaml", json.dumps(template))

    def invoke(self, event, *flags, **variables):
        stdin = json.dumps(event)
        command = ("invoke", "HelloFunction", *flags)
        return tether(*command, cwd=self.project.folder, stdin=stdin, timeout=LONG, **variables)

    def error(self, event, **variables):
        process = self.invoke(event, **variables)
        assert process.code == 1, process.stderr
        return json.loads(process.stdout[0]), process


@pytest.fixture(
    scope="module", params=[pytest.param(it, marks=needs(LANGUAGES[it][-1])) for it in LANGUAGES]
)
def compiled(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return Compiled(folder, *LANGUAGES[request.param])


def test_each_part_of_a_stream_is_printed_while_the_next_one_is_not_written_yet(compiled):
    go = compiled.project.folder / "go"
    command = [binary(), "invoke", "--timeout", "60"]
    where = {"cwd": compiled.project.folder, "stdin": json.dumps(f"stream {go}")}
    with Process("invoke", command, environment(), **where) as process:
        process.wait_until(lambda: process.stdout == ["one"], "first part", LONG)
        go.touch()
        assert process.ends() == 0, process.stderr
        assert process.stdout == ["one", "two"]
        process.leaves_nothing_behind()


def test_it_is_built_and_answers(compiled):
    process = compiled.invoke("hello")
    assert process.code == 0, process.stderr
    assert process.stdout == ['"the first"']
    assert any('asked "hello"' in line for line in process.stderr)
    process.leaves_nothing_behind()


def test_an_error_that_it_posts_is_the_answer(compiled):
    error, _ = compiled.error("fail")
    assert error == {"errorType": "NotFound", "errorMessage": "no such thing"}


@pytest.mark.parametrize("how", ["panic", "exit"])
def test_a_crash_is_lambdas_exit_error_with_its_words_in_the_log(compiled, how):
    error, process = compiled.error(how)
    assert error["errorType"] == "Runtime.ExitError"
    if how == "exit":
        assert "exit status 7" in error["errorMessage"]
    else:
        assert any("no such thing" in line for line in process.stderr)


def test_what_takes_too_long_times_out_though_the_build_may_take_longer(compiled):
    error, process = compiled.error("sleep")
    assert error["errorType"] == "Sandbox.Timedout"
    process.leaves_nothing_behind()


def test_a_failed_build_is_shown_and_answers_and_what_was_saved_then_runs(compiled):
    project = compiled.project
    assert compiled.invoke("hello").stdout == ['"the first"']
    project.edit(compiled.source, compiled.good, compiled.wrong)
    error, process = compiled.error("hello")
    assert error["errorType"] == "Tether.BuildFailed"
    place = compiled.source.removeprefix("code/")
    assert place in error["errorMessage"]
    wrong = compiled.wrong.removeprefix('" + ').removesuffix("))")
    assert wrong in error["errorMessage"]
    assert any(wrong in line for line in process.stderr)
    project.edit(compiled.source, compiled.wrong, compiled.good)
    project.edit(compiled.source, "the first", "the second")
    assert compiled.invoke("hello").stdout == ['"the second"']
    project.edit(compiled.source, "the second", "the first")


def test_a_tool_that_is_missing_is_said_with_what_to_install(compiled, tmp_path):
    process = compiled.invoke("hello", PATH=str(tmp_path), HOME=str(tmp_path), GOROOT=None)
    if process.code == 0:
        pytest.skip(f"{compiled.tool} stands where its installer puts it, whatever the PATH is")
    assert process.code == 2
    (said,) = process.errors
    assert said.startswith(f"{compiled.tool} is not found, which HelloFunction needs: install ")


@needs("cargo")
def test_of_several_binaries_the_template_names_one(tmp_path):
    files = {
        "Cargo.toml": CARGO,
        "src/bin/get.rs": RUST,
        "src/bin/put.rs": RUST.replace("the first", "put"),
    }
    several = Compiled(tmp_path / "several", files, "src/bin/get.rs", "", "", "cargo")
    process = several.invoke("hello")
    assert process.code == 2
    (said,) = process.errors
    assert "several binaries: get, put" in said
    assert "Metadata.BuildProperties.Binary" in said
    text = several.project.template.read_text()
    metadata = '"Metadata": {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "put"}}'
    several.project.write("template.yaml", text.replace('"Properties"', f'{metadata}, "Properties"', 1))
    assert several.invoke("hello").stdout == ['"put"']
