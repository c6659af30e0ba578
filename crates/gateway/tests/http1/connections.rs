use crate::server::{LONG, Server, body};
use std::time::{Duration, Instant};
use tether_gateway::http1::Limits;
use tokio::time::timeout;

const GET: &str = "GET /one HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST: &str = "GET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn requests_follow_one_another_on_a_connection() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(GET).await;
        let answer = client.until("Host=x\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\nDate: "), "{answer}");
        assert!(
            answer.contains("\r\nConnection: keep-alive\r\nX-CaSe: kept\r\n"),
            "{answer}"
        );
    }
    client.send(LAST).await;
    assert!(client.rest().await.contains("\r\nConnection: close\r\n"));
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let server = Server::start().await;
    let post = "POST /mid HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    let answer = server.raw(format!("{GET}\r\n{post}{GET}{LAST}{GET}")).await;
    let paths: Vec<&str> = answer.lines().filter(|it| it.ends_with(" ?")).collect();
    let paths: Vec<&str> = paths
        .iter()
        .map(|it| it.split_at(it.find('/').unwrap()).1)
        .collect();
    // What stands behind the last one is not a request any more.
    assert_eq!(paths, ["/one ?", "/mid ?", "/one ?", "/two ?"], "{answer}");
}

#[tokio::test]
async fn names_path_and_query_arrive_as_they_were_sent() {
    let server = Server::start().await;
    let answer = server
        .raw("PuRGE /a//b%2F%zz/?q=%20&Q=+&&é HTTP/1.1\r\nhOST: x\r\nx_und: 1\r\nX-A:\r\nx_UND: 2\r\nConnection: close\r\n\r\n")
        .await;
    let expected =
        "PuRGE /a//b%2F%zz/ ?q=%20&Q=+&&é\nhOST=x\nx_und=1\nX-A=\nx_UND=2\nConnection=close\n";
    assert_eq!(body(&answer), expected);
}

#[tokio::test]
async fn who_sends_no_more_still_gets_the_answer() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.send(GET).await;
    client.half_close().await;
    assert!(body(&client.rest().await).starts_with("GET /one"));
}

#[tokio::test]
async fn old_clients_are_closed_unless_they_ask_to_stay() {
    let server = Server::start().await;
    let answer = server.raw("GET /a HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    let two = "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned() + LAST;
    let answer = server.raw(two).await;
    assert!(
        answer.contains("\r\nConnection: keep-alive\r\n"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2);
}

#[tokio::test]
async fn a_hangup_says_nothing() {
    let server = Server::start().await;
    assert_eq!(
        server.raw("GET /hangup HTTP/1.1\r\nHost: x\r\n\r\n").await,
        ""
    );
}

#[tokio::test]
async fn whoever_takes_over_gets_what_was_read_already() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send(
            "GET /upgrade HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nearly",
        )
        .await;
    let answer = client.until("early").await;
    assert!(
        answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nUpgrade: echo\r\n"), "{answer}");
    client.send("late").await;
    client.half_close().await;
    assert_eq!(client.rest().await, "late");
}

#[tokio::test]
async fn a_client_that_stops_in_a_head_or_a_body_is_told_and_one_that_only_waits_is_not() {
    let short = Duration::from_millis(50);
    let limits = Limits {
        head_time: short,
        body_time: short,
        idle: short,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    for part in [
        "GET / HT",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        let answer = server.raw(part).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    assert_eq!(server.raw("").await, "");
    let mut client = server.connect().await;
    client.send(GET).await;
    assert!(client.rest().await.contains(" 200 OK"));
}

#[tokio::test]
async fn at_the_end_what_waits_is_closed_and_what_works_is_answered() {
    let server = Server::start().await;
    let mut idle = server.connect().await;
    idle.send(GET).await;
    idle.until("Host=x\n").await;
    let mut works = server.connect().await;
    works.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.echo.arrived.acquire().await.unwrap().forget();
    server.ending.cancel();
    assert_eq!(idle.rest().await, "");
    server.echo.go.add_permits(1);
    let answer = works.rest().await;
    assert!(answer.ends_with("\r\n\r\nwaited"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    timeout(LONG, server.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_cut_after_a_second() {
    let server = Server::start().await;
    let mut works = server.connect().await;
    works.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.echo.arrived.acquire().await.unwrap().forget();
    let begun = Instant::now();
    server.ending.cancel();
    timeout(LONG, server.serving).await.unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(works.rest().await, "");
}

#[tokio::test]
async fn a_client_that_is_gone_does_not_end_what_works_for_it() {
    let server = Server::start().await;
    let mut works = server.connect().await;
    works.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.echo.arrived.acquire().await.unwrap().forget();
    drop(works);
    // Another one is answered meanwhile, and then the first one takes its turn to the end.
    assert!(server.raw(LAST).await.contains(" 200 OK"));
    server.echo.go.add_permits(1);
    server.ending.cancel();
    timeout(LONG, server.serving).await.unwrap().unwrap();
    assert_eq!(server.echo.go.available_permits(), 0);
}
