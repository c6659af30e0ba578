use crate::server::Server;
use tether_gateway::http1::Malformed;

#[tokio::test]
async fn what_is_no_request_is_answered_and_then_closed() {
    let server = Server::start().await;
    let wrong: [&[u8]; 9] = [
        b"\r\n\r\nnonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"\0\0\0\0",
    ];
    for bytes in wrong {
        let answer = server.raw(bytes).await;
        let name = String::from_utf8_lossy(bytes);
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{name:?}: {answer}"
        );
        assert!(
            answer.contains("\r\nConnection: close\r\n"),
            "{name:?}: {answer}"
        );
        assert!(
            answer.ends_with("\r\n\r\n{\"message\":\"Bad Request\"}"),
            "{name:?}: {answer}"
        );
    }
    assert_eq!(server.refused().len(), wrong.len());
}

#[tokio::test]
async fn a_client_that_speaks_tls_is_told_apart() {
    let server = Server::start().await;
    // The beginning of a ClientHello.
    server
        .raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        .await;
    assert_eq!(server.refused(), [Malformed::Tls]);
}

#[tokio::test]
async fn a_request_that_ends_in_the_middle_is_one_that_is_none() {
    let server = Server::start().await;
    for part in [
        "GET / HT",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ] {
        let mut client = server.connect().await;
        client.send(part).await;
        client.half_close().await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{part:?}: {answer}");
    }
    let mut client = server.connect().await;
    client.send("\r\n").await;
    client.half_close().await;
    assert_eq!(client.rest().await, "", "a line end is no request");
}

#[tokio::test]
async fn ten_thousand_and_one_headers_are_too_many() {
    let server = Server::start().await;
    let headers: String = (0..10_001).map(|it| format!("x-{it}: {it}\r\n")).collect();
    let answer = server
        .raw(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n"))
        .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(server.refused(), [Malformed::HeadTooLarge]);
}

#[tokio::test]
async fn one_header_without_an_end_is_too_long() {
    let server = Server::start().await;
    let answer = server
        .raw(format!("GET / HTTP/1.1\r\nHost: {}", "x".repeat(1_000_000)))
        .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
