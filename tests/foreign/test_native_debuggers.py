"""gdb at a Rust function, and Delve at a Go function, at tether's stable port."""

import json

import pytest
from harness import Debugger, Process, Project
from harness.gdb import Gdb
from harness.surroundings import binary, environment
from harness.tools import needs

# A compiler on a busy machine.
LONG = 300

RUST = """
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

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

fn handle(length: usize) -> String {
    let doubled = length * 2;
    format!("\\"{doubled}\\"") // here
}

fn main() {
    let waits = std::env::var("WAITS_FOR").unwrap();
    loop {
        let (id, event) = ask("GET", "next", "");
        while !Path::new(&waits).exists() { std::thread::sleep(Duration::from_millis(20)); }
        ask("POST", &format!("{id}/response"), &handle(event.len()));
    }
}
"""

CARGO = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n'

GO = """package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func handle(event string) string {
	doubled := len(event) * 2
	return fmt.Sprint(doubled) // here
}

func main() {
	invocation := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(invocation + "next")
		if err != nil {
			os.Exit(1)
		}
		event, _ := io.ReadAll(next.Body)
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer := strings.NewReader(handle(string(event)))
		http.Post(invocation+id+"/response", "application/json", answer)
	}
}
"""


def line_of(source):
    return next(number for number, line in enumerate(source.splitlines(), 1) if "// here" in line)


@pytest.fixture
def project(tmp_path):
    """A Rust and a Go function; what Rust's waits for before it answers."""
    project = Project(tmp_path / "project")
    project.write("rust/Cargo.toml", CARGO)
    project.write("rust/src/main.rs", RUST)
    project.write("go/go.mod", "module hello\n\ngo 1.19\n")
    project.write("go/main.go", GO)
    variables = {"WAITS_FOR": str(tmp_path / "go-on")}
    resources = {
        name: {
            "Type": "AWS::Serverless::Function",
            "Metadata": {"BuildMethod": method},
            "Properties": {
                "CodeUri": code,
                "Handler": "bootstrap",
                "Runtime": "provided.al2023",
                "Environment": {"Variables": variables},
            },
        }
        for name, code, method in [
            ("Rust", "rust/", "rust-cargolambda"),
            ("Go", "go/", "go1.x"),
        ]
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    project.write("template.yaml", json.dumps(template))
    project.write("event.json", '{"a":1}')
    return project


@pytest.fixture
def invoke(project):
    started = []

    def start(function, *flags):
        command = [binary(), "invoke", function, "--event", "event.json", "--json"]
        command += ["--debug", "--debug-port", "0", *flags]
        process = Process(f"invoke {function}", command, environment(), project.folder)
        started.append(process)
        told = process.wait_for("debugger", timeout=LONG)
        return process, told

    yield start
    for process in started:
        process.close()


def answer_of(process):
    told = process.wait_for("answer")
    assert process.ends() == 0, process.errors
    process.leaves_nothing_behind()
    return told["answer"]["json"]


@needs("cargo", "gdb", "gdbserver")
def test_gdb_meets_a_rust_function_in_front_of_its_first_instruction(project, invoke, tmp_path):
    (tmp_path / "go-on").touch()
    invoked, where = invoke("Rust", "--wait")
    assert where["type"] == "native"
    with Gdb(project.path("rust/target/debug/hello"), where["host"], where["port"]) as gdb:
        gdb.break_at("main.rs", line_of(RUST))
        gdb.go()
        stopped = gdb.stopped()
        assert 'reason="breakpoint-hit"' in stopped and 'func="hello::handle"' in stopped
        assert 'value="14"' in gdb.evaluate("doubled")
        gdb.let_go()
        # It goes on without a debugger.
        assert answer_of(invoked) == "14"


@needs("cargo", "gdb", "gdbserver")
def test_gdb_attaches_to_a_rust_function_that_runs(project, invoke, tmp_path):
    invoked, where = invoke("Rust")
    with Gdb(project.path("rust/target/debug/hello"), where["host"], where["port"]) as gdb:
        gdb.break_at("main.rs", line_of(RUST))
        gdb.go()
        (tmp_path / "go-on").touch()
        assert 'reason="breakpoint-hit"' in gdb.stopped()
        assert 'value="14"' in gdb.evaluate("doubled")
        gdb.let_go()
        assert answer_of(invoked) == "14"


@needs("go", "dlv")
def test_delve_meets_a_go_function_in_front_of_its_first_line(project, invoke):
    invoked, where = invoke("Go", "--wait")
    assert where["type"] == "delve"
    with Debugger(where["host"], where["port"]) as debugger:
        breakpoints = {project.path("go/main.go"): [line_of(GO)]}
        assert debugger.attach(breakpoints, mode="remote") == [True]
        stopped = debugger.wait_for("stopped")
        frame = debugger.frames(stopped["threadId"])[0]
        assert (frame["name"], frame["line"]) == ("main.handle", line_of(GO))
        assert debugger.evaluate(frame, "doubled") == "14"
        debugger.send("continue", threadId=stopped["threadId"])
        assert answer_of(invoked) == 14
