use crate::server::{LONG, Server};
use bytes::Bytes;
use std::time::Duration;
use tether_gateway::http1::Cut;
use tokio::time::timeout;

const GET: &str = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";

fn chunk(text: &'static str) -> Result<Bytes, Cut> {
    Ok(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn each_part_of_an_answer_is_there_before_the_next_is_written() {
    let server = Server::start().await;
    let parts = server.streams();
    let mut client = server.connect().await;
    client.send(GET).await;
    let head = client.until("\r\n\r\n6\r\nfirst,\r\n").await;
    assert!(
        head.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{head}"
    );
    for text in ["second", "", "third"] {
        parts.send(chunk(text)).await.unwrap();
        if !text.is_empty() {
            client.until(&format!("{text}\r\n")).await;
        }
    }
    drop(parts);
    assert_eq!(client.until("0\r\n\r\n").await, "0\r\n\r\n");
    // And the connection can be used on.
    client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.until("Host=x\n").await;
}

#[tokio::test]
async fn old_clients_read_to_the_end_of_the_connection() {
    let server = Server::start().await;
    let parts = server.streams();
    let mut client = server.connect().await;
    client.send("GET /stream HTTP/1.0\r\n\r\n").await;
    client.until("\r\n\r\nfirst,").await;
    parts.send(chunk("second")).await.unwrap();
    drop(parts);
    assert_eq!(client.rest().await, "second");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let server = Server::start().await;
    let parts = server.streams();
    let mut client = server.connect().await;
    client.send(GET).await;
    parts.send(chunk("second")).await.unwrap();
    parts.send(Err(Cut)).await.unwrap();
    let answer = client.rest().await;
    assert!(answer.ends_with("6\r\nsecond\r\n"), "{answer}");
}

#[tokio::test]
async fn a_slow_reader_slows_the_writer_down() {
    let server = Server::start().await;
    let parts = server.streams();
    let mut client = server.connect().await;
    client
        .send("GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    client.until("first,\r\n").await;
    // Nobody reads: sooner or later nothing more is taken.
    let large = Bytes::from(vec![b'x'; 1_000_000]);
    let mut taken = 0_usize;
    while let Ok(room) = timeout(Duration::from_millis(500), parts.reserve()).await {
        room.unwrap().send(Ok(large.clone()));
        taken += 1;
        assert!(taken < 100, "{taken} MB were taken from the writer");
    }
    // And then somebody does.
    drop(parts);
    let rest = timeout(LONG, client.rest()).await.unwrap();
    assert!(rest.ends_with("\r\n0\r\n\r\n"));
    assert!(rest.len() > taken * 1_000_000);
}
