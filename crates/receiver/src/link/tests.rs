//! Against a WebSocket server of our own.

use super::*;
use futures_util::{SinkExt as _, StreamExt as _};
use tether_protocol::message::{Alive, Reason, Welcome};
use tether_protocol::{Secret, SessionId};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// It is renewed, or is not, as long as a test lasts.
const SOON: Duration = Duration::from_millis(50);
const NEVER: Duration = Duration::from_secs(3600);

struct Cloud {
    listener: TcpListener,
}

/// The cloud's end of a connection.
struct End(WebSocketStream<TcpStream>);

impl Cloud {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self { listener }
    }

    fn target(&self) -> Target {
        Target {
            url: format!("ws://{}/live", self.listener.local_addr().unwrap()),
            session: SessionId::new("s"),
            token: Secret::new("t".to_owned()),
            road: tether_aws::Road::default(),
        }
    }

    async fn accept(&self) -> End {
        let (stream, _) = self.listener.accept().await.unwrap();
        End(tokio_tungstenite::accept_async(stream).await.unwrap())
    }

    /// On whoever comes, before a handshake.
    async fn hangs_up(&self) {
        while let Ok((stream, _)) = self.listener.accept().await {
            drop(stream);
        }
    }

    async fn refuse(&self) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }

    /// An open link and its first connection.
    async fn linked(&self, renew_after: Duration) -> (Link, End) {
        let opening = Link::open(self.target(), renew_after);
        let (link, mut end) = tokio::join!(opening, self.accept());
        assert_eq!(end.hears().await, hello(true));
        (link.unwrap(), end)
    }
}

impl End {
    async fn hears(&mut self) -> ToCloud {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn says(&mut self, message: &ToLaptop) {
        let text = serde_json::to_string(message).unwrap();
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// It was closed properly.
    async fn is_closed(&mut self) {
        let said = self.0.next().await.unwrap().unwrap();
        assert!(matches!(said, Message::Close(_)), "{said:?}");
    }
}

fn hello(instrument: bool) -> ToCloud {
    ToCloud::Hello(Hello {
        version: PROTOCOL_VERSION,
        instrument,
    })
}

fn welcome() -> ToLaptop {
    ToLaptop::Welcome(Welcome {
        version: PROTOCOL_VERSION,
        session_id: SessionId::new("s"),
        now: None,
    })
}

fn is_message(heard: &Heard, wanted: &ToLaptop) -> bool {
    matches!(heard, Heard::Message(message) if message == wanted)
}

#[tokio::test]
async fn a_connection_gets_a_successor_and_both_are_read_until_the_first_is_closed() {
    let cloud = Cloud::new().await;
    let (mut link, mut first) = cloud.linked(SOON).await;
    link.renew_after = NEVER;
    link.overlap = Duration::from_secs(1);
    link.is_instrumented();
    let (heard, mut second) = tokio::join!(link.next(), cloud.accept());
    assert!(matches!(heard, Heard::Renewed));
    assert_eq!(second.hears().await, hello(false));

    first.says(&ToLaptop::Ready).await;
    assert!(is_message(&link.next().await, &ToLaptop::Ready));
    second.says(&welcome()).await;
    assert!(is_message(&link.next().await, &welcome()));
    link.send(ToCloud::KeepAlive);
    assert_eq!(second.hears().await, ToCloud::KeepAlive);

    // An answer to a keep-alive that crossed the renewal is no end.
    let over = ToLaptop::SessionEnded(Reason::new("active on another connection"));
    first.says(&over).await;
    tokio::select! {
        _ = link.next() => panic!("nothing was to be heard"),
        () = first.is_closed() => {}
    }
    second.says(&over).await;
    assert!(is_message(&link.next().await, &over));
}

#[tokio::test]
async fn a_connection_that_is_gone_is_opened_again_and_asks_for_what_it_had_asked_for() {
    let cloud = Cloud::new().await;
    let (mut link, first) = cloud.linked(NEVER).await;
    drop(first);
    assert!(matches!(link.next().await, Heard::Lost(_)));
    assert!(!link.is_up());
    let (heard, mut second) = tokio::join!(link.next(), cloud.accept());
    assert!(matches!(heard, Heard::Resumed));
    assert_eq!(second.hears().await, hello(true));

    // Given up by this side.
    link.lose("a keep-alive was not answered");
    assert!(matches!(link.next().await, Heard::Lost(reason) if reason.contains("keep-alive")));
    let (heard, _third) = tokio::join!(link.next(), cloud.accept());
    assert!(matches!(heard, Heard::Resumed));
}

#[tokio::test]
async fn a_renewal_that_fails_is_not_heard_of_until_the_connection_is_gone() {
    let cloud = Cloud::new().await;
    let (mut link, mut first) = cloud.linked(SOON).await;
    let mut quiet = tokio::time::interval(SOON * 10);
    quiet.tick().await;
    tokio::select! {
        _ = link.next() => panic!("nothing was to be heard"),
        () = cloud.hangs_up() => {}
        _ = quiet.tick() => {}
    }
    let alive = ToLaptop::Alive(Alive::default());
    first.says(&alive).await;
    assert!(is_message(&link.next().await, &alive));

    drop(first);
    assert!(matches!(link.next().await, Heard::Lost(_)));
    tokio::select! {
        heard = link.next() => assert!(matches!(heard, Heard::StillTrying { .. })),
        () = cloud.hangs_up() => {}
    }
    let resumed = async {
        loop {
            match link.next().await {
                Heard::StillTrying { .. } => {}
                other => break matches!(other, Heard::Resumed),
            }
        }
    };
    let (resumed, _second) = tokio::join!(resumed, cloud.accept());
    assert!(resumed);
}

#[tokio::test]
async fn whatever_is_repeated_no_connection_is_lost_for_it() {
    let cloud = Cloud::new().await;
    let (mut link, mut end) = cloud.linked(NEVER).await;
    const ALL: u32 = 1_000;
    let mut left = ALL;
    let mut heard = 0;
    while heard < ALL {
        while left > 0 && link.has_room() {
            link.send(ToCloud::KeepAlive);
            left -= 1;
        }
        assert!(link.is_up());
        assert_eq!(end.hears().await, ToCloud::KeepAlive);
        heard += 1;
    }
    tokio::join!(link.close(), end.is_closed());
}

#[tokio::test]
async fn a_session_that_is_not_let_in_again_is_over() {
    let cloud = Cloud::new().await;
    let (mut link, first) = cloud.linked(NEVER).await;
    drop(first);
    assert!(matches!(link.next().await, Heard::Lost(_)));
    let (heard, ()) = tokio::join!(link.next(), cloud.refuse());
    assert!(matches!(
        heard,
        Heard::Refused(ConnectError::Refused { status: 403 })
    ));
}

#[tokio::test]
async fn what_waits_is_sent_before_the_goodbye() {
    let cloud = Cloud::new().await;
    let (mut link, mut end) = cloud.linked(NEVER).await;
    for _ in 0..100 {
        link.send(ToCloud::KeepAlive);
    }
    let heard = async {
        for _ in 0..100 {
            assert_eq!(end.hears().await, ToCloud::KeepAlive);
        }
        end.is_closed().await;
    };
    tokio::join!(link.close(), heard);
}
