use super::*;
use proptest::prelude::*;

fn whole(text: &str) -> Head {
    let (head, length) = parse(text.as_bytes()).unwrap().unwrap();
    assert_eq!(length, text.len());
    head
}

fn wrong(text: &str) -> Malformed {
    parse(text.as_bytes()).unwrap_err()
}

#[test]
fn names_path_and_query_are_as_they_were_sent() {
    let head = whole(
        "GET /Prod//a%2Fb/?q=%20&Q=+ HTTP/1.1\r\nhOsT: x\r\nx_und: 1\r\ntEsT-HEADeR:  a  \r\nx_und: 2\r\n\r\n",
    );
    assert_eq!(
        (head.path.as_str(), head.query.as_str()),
        ("/Prod//a%2Fb/", "q=%20&Q=+")
    );
    let headers = head.headers.iter();
    let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let expected = [
        ("hOsT", "x"),
        ("x_und", "1"),
        ("tEsT-HEADeR", "a"),
        ("x_und", "2"),
    ];
    assert_eq!(headers, expected);
    assert!(head.keep_alive && !head.old && !head.expects);
    assert_eq!(head.framing, Framing::Length(0));
}

#[test]
fn a_whole_url_is_a_target_too() {
    let of = |target: &str| {
        let head = whole(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
        (head.path, head.query)
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(of("http://x:1/a?b"), pair("/a", "b"));
    assert_eq!(of("http://x"), pair("/", ""));
    assert_eq!(of("/a#b?c"), pair("/a", ""));
    assert_eq!(of("*"), pair("*", ""));
    assert_eq!(of("/a?b?c"), pair("/a", "b?c"));
}

#[test]
fn the_connection_and_the_body_are_read_from_the_headers() {
    let head = whole(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-Continue\r\nConnection: a, Close\r\n\r\n",
    );
    assert_eq!(head.framing, Framing::Length(5));
    assert!(head.expects && !head.keep_alive);
    let head = whole("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n");
    assert_eq!(head.framing, Framing::Chunked);
    assert!(!whole("GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert!(whole("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

#[test]
fn a_value_that_is_no_utf_8_is_read_byte_by_byte() {
    let (head, _) = parse(b"GET / HTTP/1.1\r\nHost: x\r\na: \xe9\r\nb: \xc3\xa9\r\n\r\n")
        .unwrap()
        .unwrap();
    assert_eq!(head.headers[1].1, "\u{e9}");
    assert_eq!(head.headers[2].1, "\u{e9}");
}

#[test]
fn what_is_no_request_is_refused() {
    assert_eq!(wrong("\u{16}\u{3}\u{1}"), Malformed::Tls);
    let syntax = [
        "GET\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\na: \u{0}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for text in syntax {
        assert!(matches!(wrong(text), Malformed::Syntax(_)), "{text:?}");
    }
}

#[test]
fn many_headers_are_read_and_too_many_refused() {
    let with = |count: usize| {
        let headers = "a: b\r\n".repeat(count.saturating_sub(1));
        format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
    };
    for count in [USUAL, USUAL + 1, MOST] {
        assert_eq!(whole(&with(count)).headers.len(), count);
    }
    assert_eq!(wrong(&with(MOST + 1)), Malformed::HeadTooLarge);
    assert_eq!(wrong(&with(10_001)), Malformed::HeadTooLarge);
}

proptest! {
    #[test]
    fn a_head_that_is_cut_anywhere_goes_on(cut in 0_usize..80) {
        let text = "POST /a?b=c HTTP/1.1\r\nHost: localhost:3000\r\nContent-Length: 12\r\nA: b\r\n\r\n";
        let part = text.get(..cut.min(text.len() - 1)).unwrap();
        prop_assert_eq!(parse(part.as_bytes()), Ok(None));
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in 0_usize..90,
    ) {
        let _ = parse(&bytes);
        let mut text = b"POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\nA: b\r\n\r\n".to_vec();
        text.splice(at.min(text.len())..at.min(text.len()), bytes);
        if let Ok(Some((_, length))) = parse(&text) {
            prop_assert!(length <= text.len());
        }
    }
}
