//! A Lambda runtime that does nothing: it asks for an event, and gives it
//! back. Plain sockets, so that what stands in front of it is what is measured.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// Runs until the Runtime API is gone.
pub(crate) fn run() -> Result<()> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API")
        .context("AWS_LAMBDA_RUNTIME_API is not set: this is no function")?;
    let stream = TcpStream::connect(&address)?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let next =
        format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {address}\r\n\r\n");
    loop {
        writer.write_all(next.as_bytes())?;
        let event = read(&mut reader)?;
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            event.request_id,
            event.body.len()
        );
        // Head and body in one go: with Nagle, the second of two waits 40 ms.
        let mut request = head.into_bytes();
        request.extend(&event.body);
        writer.write_all(&request)?;
        read(&mut reader)?;
    }
}

#[derive(Default)]
struct Message {
    request_id: String,
    body: Vec<u8>,
}

fn read(reader: &mut BufReader<TcpStream>) -> Result<Message> {
    let mut message = Message::default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            bail!("the Runtime API is gone");
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "lambda-runtime-aws-request-id" => message.request_id = value.trim().to_owned(),
            "transfer-encoding" => bail!("the Runtime API sends chunks; this runtime reads none"),
            _ => {}
        }
    }
    message.body.resize(length, 0);
    reader.read_exact(&mut message.body)?;
    Ok(message)
}
