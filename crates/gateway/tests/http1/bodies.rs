use crate::server::{Server, body};
use tether_gateway::http1::Limits;

#[tokio::test]
async fn a_body_is_read_by_its_length_or_in_chunks() {
    let server = Server::start().await;
    let sized =
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    assert!(server.raw(sized).await.ends_with("\nhello"));
    let chunked = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    assert!(server.raw(chunked).await.ends_with("\nhello"));
}

#[tokio::test]
async fn a_request_may_come_a_byte_at_a_time() {
    let server = Server::start().await;
    for framing in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        let request = format!("POST /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{framing}");
        for byte in request.as_bytes() {
            client.send([*byte]).await;
            tokio::task::yield_now().await;
        }
        let answer = client.rest().await;
        assert!(body(&answer).starts_with("POST /a ?b\n"), "{answer}");
        assert!(answer.ends_with("\nhello"), "{answer}");
    }
}

#[tokio::test]
async fn who_waits_to_be_asked_for_a_body_is_asked() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(
        client.until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    client.send("hello").await;
    assert_eq!(body(&client.rest().await), "5");
}

#[tokio::test]
async fn who_would_send_too_much_is_not_asked_for_it() {
    let server = Server::start().await;
    let answer = server
        .raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

/// A client that writes all of it before it reads gets its answer, too.
#[tokio::test]
async fn too_large_a_body_is_read_on_until_its_client_has_the_answer() {
    let limits = Limits {
        body_bytes: 1_000_000,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    let data = vec![b'x'; 40_000_000];
    let sized = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        data.len()
    );
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        data.len()
    );
    for head in [sized, chunked] {
        let mut client = server.connect().await;
        client.send(head).await;
        client.send(&data).await;
        client.half_close().await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_as_large_as_allowed_is_taken() {
    let server = Server::start().await;
    let data = vec![b'x'; 10 * 1024 * 1024];
    let mut client = server.connect().await;
    let head = format!(
        "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        data.len()
    );
    client.send(head).await;
    client.send(&data).await;
    assert_eq!(body(&client.rest().await), data.len().to_string());
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let server = Server::start().await;
    let answer = server
        .raw("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(body(&answer).len(), 3_000_000);
}

#[tokio::test]
async fn some_answers_have_no_body() {
    let server = Server::start().await;
    let head = server
        .raw("HEAD /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(head.contains("\r\nContent-Length: 3000000\r\n"), "{head}");
    assert_eq!(body(&head), "");
    let none = server
        .raw("GET /204 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(!none.contains("Content-Length"), "{none}");
    assert_eq!(body(&none), "");
}
